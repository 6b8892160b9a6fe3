// Hands on the tracks: a click seeks, a drag on the ruler moves through the pictures, a drag on a track makes a range,
// the wheel and two fingers zoom around the pointer; one finger on a track moves the view.

import { useEffect, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';
import { LANE_GAP, laneHeight, RULER } from './draw-tracks';
import { instantAt, pan, zoomAt, type Bounds } from './geometry';
import type { Instant } from '../shared/time/instant';

export interface TracksHandlers {
  day: Bounds;
  view: Bounds;
  count: number;
  onView: (view: Bounds) => void;
  onSeek: (t: Instant) => void;
  onScrub: (t: Instant) => void;
  onRange: (range: Bounds) => void;
  /** The pointer, and the track under it. */
  onHover: (where: { x: number; track: number } | null) => void;
}

/** Further than this a press is a drag and no longer a click. */
const CLICK_PX = 4;
const LEAST_RANGE_MS = 1000;

export function trackAt(y: number, count: number): number {
  return Math.min(Math.max(Math.floor((y - RULER) / (laneHeight(count) + LANE_GAP)), 0), count - 1);
}

export function useTracksPointer(ref: RefObject<HTMLElement | null>, handlers: TracksHandlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const down = new Map<number, number>();
    let start: { x: number; view: Bounds; does: 'scrub' | 'range' | 'pan'; moved: boolean } | null = null;
    let pinch = 0;
    const box = (): DOMRect => element.getBoundingClientRect();
    const at = (event: MouseEvent): number => Math.min(Math.max(event.clientX - box().left, 0), element.clientWidth);
    const spread = (): number => {
      const [a = 0, b = 0] = [...down.values()];
      return Math.max(10, Math.abs(a - b));
    };
    const time = (x: number): Instant => instantAt(x, latest.current.view, element.clientWidth);

    /** What was scrubbed to is kept: the player shows keyframes until it is told where the hand let go. */
    const settle = (x: number): void => {
      if (start?.does === 'scrub' && start.moved) latest.current.onSeek(time(x));
    };

    const onDown = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      // A second finger zooms, and is no scrub any more.
      if (down.size === 1) settle([...down.values()][0]!);
      element.setPointerCapture(event.pointerId);
      down.set(event.pointerId, at(event));
      const isRuler = event.clientY - box().top < RULER;
      const does = down.size > 1 ? 'pan' : isRuler ? 'scrub' : event.pointerType === 'touch' ? 'pan' : 'range';
      start = { x: at(event), view: latest.current.view, does, moved: down.size > 1 };
      if (down.size === 2) pinch = spread();
    };
    const onMove = (event: PointerEvent): void => {
      const h = latest.current;
      const x = at(event);
      const track = trackAt(event.clientY - box().top, h.count);
      if (!down.has(event.pointerId) || !start) {
        h.onHover({ x, track });
        return;
      }
      down.set(event.pointerId, x);
      if (down.size === 2) {
        const now = spread();
        const middle = [...down.values()].reduce((sum, v) => sum + v, 0) / 2;
        h.onView(zoomAt(h.view, time(middle), now / pinch, h.day));
        pinch = now;
        return;
      }
      if (Math.abs(x - start.x) > CLICK_PX) start.moved = true;
      if (!start.moved) return;
      if (start.does === 'scrub') h.onScrub(time(x));
      else if (start.does === 'pan') {
        const perPixel = (start.view.end - start.view.start) / element.clientWidth;
        h.onView(pan(start.view, (start.x - x) * perPixel, h.day));
      } else {
        const [a, b] = [time(start.x), time(x)].sort((one, other) => one - other) as [Instant, Instant];
        h.onRange({ start: a, end: Math.max(b, a + LEAST_RANGE_MS) });
      }
      h.onHover(start.does === 'pan' ? null : { x, track });
    };
    const onUp = (event: PointerEvent): void => {
      const x = down.get(event.pointerId);
      down.delete(event.pointerId);
      if (x !== undefined && start) {
        // What the system took away (a gesture of its own) ends where it had come to, and is no click.
        if (event.type !== 'pointerup') settle(x);
        else if (start.moved) settle(at(event));
        else latest.current.onSeek(time(at(event)));
      }
      if (down.size === 0) start = null;
    };
    const onLeave = (): void => latest.current.onHover(null);
    const onWheel = (event: WheelEvent): void => {
      const h = latest.current;
      const length = h.view.end - h.view.start;
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      const next =
        Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey
          ? pan(h.view, ((sideways * unit) / element.clientWidth) * length, h.day)
          : zoomAt(h.view, time(at(event)), Math.exp((-event.deltaY * unit) / 300), h.day);
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
