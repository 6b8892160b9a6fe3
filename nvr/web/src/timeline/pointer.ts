// Mouse, touch and wheel on the timeline: click seeks, drag pans, wheel and pinch zoom around the pointer.

import { useEffect, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';
import { HEIGHT_PX, STRIP_PX } from './draw';
import { instantAt, pan, viewAround, zoomAt, type Bounds } from './geometry';
import type { Instant } from '../shared/time/instant';

export interface Handlers {
  day: Bounds;
  view: Bounds;
  onView: (view: Bounds) => void;
  onSeek: (t: Instant) => void;
  onHover: (x: number | null) => void;
}

/** Further than this a press is a drag and no longer a click. */
const CLICK_PX = 4;

export function usePointer(ref: RefObject<HTMLElement | null>, handlers: Handlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const down = new Map<number, number>();
    let start: { x: number; y: number; view: Bounds; moved: boolean } | null = null;
    let pinch = 0;
    const at = (event: MouseEvent): number => event.clientX - element.getBoundingClientRect().left;
    const spread = (): number => {
      const [a = 0, b = 0] = [...down.values()];
      return Math.max(10, Math.abs(a - b));
    };

    const onDown = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      down.set(event.pointerId, at(event));
      const y = event.clientY - element.getBoundingClientRect().top;
      start = { x: at(event), y, view: latest.current.view, moved: down.size > 1 };
      if (down.size === 2) pinch = spread();
    };
    const onMove = (event: PointerEvent): void => {
      const h = latest.current;
      const x = at(event);
      const width = element.clientWidth;
      if (!down.has(event.pointerId) || !start) {
        h.onHover(x);
        return;
      }
      down.set(event.pointerId, x);
      if (down.size === 2) {
        const now = spread();
        const middle = [...down.values()].reduce((sum, v) => sum + v, 0) / 2;
        h.onView(zoomAt(h.view, instantAt(middle, h.view, width), now / pinch, h.day));
        pinch = now;
        return;
      }
      if (Math.abs(x - start.x) > CLICK_PX) start.moved = true;
      if (start.moved) {
        const perPixel = (start.view.end - start.view.start) / width;
        h.onView(pan(start.view, (start.x - x) * perPixel, h.day));
      }
      h.onHover(start.moved ? null : x);
    };
    const onUp = (event: PointerEvent): void => {
      const h = latest.current;
      if (down.delete(event.pointerId) && start && !start.moved && event.type === 'pointerup') {
        const x = Math.min(Math.max(at(event), 0), element.clientWidth);
        const zoomed = h.view.end - h.view.start < h.day.end - h.day.start;
        if (zoomed && start.y >= HEIGHT_PX - STRIP_PX - 3) {
          h.onView(viewAround(instantAt(x, h.day, element.clientWidth), h.view.end - h.view.start, 0.5, h.day));
        } else h.onSeek(instantAt(x, h.view, element.clientWidth));
      }
      if (down.size === 0) start = null;
    };
    const onLeave = (): void => latest.current.onHover(null);
    const onWheel = (event: WheelEvent): void => {
      const h = latest.current;
      const width = element.clientWidth;
      const length = h.view.end - h.view.start;
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      const next =
        Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey
          ? pan(h.view, ((sideways * unit) / width) * length, h.day)
          : zoomAt(h.view, instantAt(at(event), h.view, width), Math.exp((-event.deltaY * unit) / 300), h.day);
      // At the end of the zoom the wheel scrolls the page again, so that the timeline is no trap.
      if (next.start === h.view.start && next.end === h.view.end) return;
      event.preventDefault();
      h.onView(next);
    };

    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onUp);
    element.addEventListener('pointercancel', onUp);
    element.addEventListener('pointerleave', onLeave);
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onUp);
      element.removeEventListener('pointercancel', onUp);
      element.removeEventListener('pointerleave', onLeave);
      element.removeEventListener('wheel', onWheel);
    };
  }, [ref]);
}
