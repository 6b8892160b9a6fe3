// One picture of several: what is seen, whose it is, and words wherever there is no picture. The wheel and two fingers
// look closer; a double press shows all of it again.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { TileState } from '../../player/together/tile';
import { useWords } from '../../shared/i18n';
import { causeWords, detailWords } from '../../shared/i18n/words';
import { WhoWatches } from '../../player/who-watches';
import * as format from '../../shared/time/format';
import { formatInstant } from '../../shared/time/instant';
import { Icon } from '../../shared/ui/icons';
import type { GapAt } from '../../timeline/day-coverage';
import type { PictureRegion } from './activity';
import { RegionLayer } from './region-layer';
import type { TileElements } from './use-together';
import { movedBy, transformOf, WHOLE, zoomedAt, type Zoom } from './zoom';

interface TileProps {
  camera: string;
  number: number;
  name: string;
  place: string;
  state: TileState | null;
  gap: GapAt | null;
  waits: boolean;
  zone: string;
  selected: boolean;
  alone: boolean;
  register: (elements: TileElements) => void;
  onSelect: () => void;
  onHear: (is: boolean) => void;
  /** What of the picture is compared, and whether a hand draws it now. */
  region: PictureRegion | null;
  isDrawing: boolean;
  onRegion: (region: PictureRegion | null) => void;
}

export function TileView({
  camera,
  number,
  name,
  place,
  state,
  gap,
  waits,
  zone,
  selected,
  alone,
  register,
  onSelect,
  onHear,
  region,
  isDrawing,
  onRegion,
}: TileProps) {
  const { t, lang } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [zoom, setZoom] = useZoom(frame);
  // Before the page's own effects, which make the player of all of them.
  useLayoutEffect(() => register({ video: video.current, canvas: canvas.current }), []);
  const shows = state?.shows ?? 'waiting';
  const transform = transformOf(zoom);
  const pictureSize = (): { width: number; height: number } => {
    const [seen, over] = [video.current, canvas.current];
    return over && !over.hidden
      ? { width: over.width, height: over.height }
      : { width: seen?.videoWidth ?? 0, height: seen?.videoHeight ?? 0 };
  };
  return (
    <div
      ref={frame}
      class={`pic ${selected ? 'sel' : ''} ${alone && !selected ? 'is-away' : ''}`}
      data-testid="tile"
      data-camera={state?.camera}
      data-shows={shows}
      data-how={state?.how}
      data-picture-at={state?.pictureAt == null ? '' : formatInstant(state.pictureAt)}
      onClick={onSelect}
      onDblClick={() => setZoom(WHOLE)}
    >
      <div class="pic-in" style={{ transform }}>
        <video ref={video} playsInline disableRemotePlayback aria-label={name} />
        <canvas ref={canvas} aria-hidden="true" />
        {region || isDrawing ? (
          <RegionLayer region={region} isDrawing={isDrawing} size={pictureSize} onRegion={onRegion} />
        ) : null}
      </div>
      <WhoWatches camera={camera} zone={zone} />
      {shows === 'gap' || shows === 'lost' ? (
        <div class="pic-words" data-testid="tile-gap" role="status">
          {shows === 'lost' ? (
            <p>{t.playback.lost}</p>
          ) : gap ? (
            <>
              <p class={`st ${kindOfGap(gap)}`} data-testid="tile-cause">
                {causeWords(gap.gap.cause, t)}
              </p>
              <p>{format.period(gap.start, gap.end, lang, zone)}</p>
              {gap.gap.detail ? <p class="cap">{detailWords(gap.gap.detail, t)}</p> : null}
            </>
          ) : (
            <p>{t.camera.noFootage}</p>
          )}
        </div>
      ) : null}
      {shows === 'waiting' && waits ? (
        <span class="pic-wait" role="status">
          <span class="spinner" aria-hidden="true" /> {t.playback.loading}
        </span>
      ) : null}
      {zoom.scale > 1 ? (
        <button
          type="button"
          class="btn s pic-whole"
          data-testid="whole-picture"
          onClick={(event) => {
            event.stopPropagation();
            setZoom(WHOLE);
          }}
        >
          {format.number(zoom.scale, lang, 1)}× · {t.playback.wholePicture}
        </button>
      ) : null}
      {state?.hasSound ? (
        <button
          type="button"
          class="ib pic-sound"
          data-testid="tile-sound"
          aria-pressed={state.isHeard}
          aria-label={`${state.isHeard ? t.camera.mute : t.camera.unmute}: ${name}`}
          title={`${state.isHeard ? t.camera.mute : t.camera.unmute} (M)`}
          onClick={(event) => {
            event.stopPropagation();
            onHear(!state.isHeard);
          }}
        >
          <Icon name={state.isHeard ? 'sound' : 'mute'} />
        </button>
      ) : null}
      <button
        type="button"
        class="nm"
        data-testid="tile-name"
        aria-pressed={selected}
        onClick={(event) => {
          event.stopPropagation();
          onSelect();
        }}
      >
        <b>{number}</b> <span translate={false}>{name}</span>
        {place ? (
          <span class="nm-place" translate={false}>
            {place}
          </span>
        ) : null}
      </button>
    </div>
  );
}

function kindOfGap(gap: GapAt): string {
  return gap.gap.class === 'administrative' ? 'decision' : gap.gap.class;
}

function useZoom(frame: { current: HTMLElement | null }): [Zoom, (zoom: Zoom) => void] {
  const [zoom, setZoom] = useState(WHOLE);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const down = new Map<number, { x: number; y: number }>();
    const size = (): DOMRect => element.getBoundingClientRect();
    const spread = (): number => {
      const [a, b] = [...down.values()];
      return a && b ? Math.max(Math.hypot(a.x - b.x, a.y - b.y), 10) : 10;
    };
    let pinch = 0;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const r = size();
      const [px, py] = [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
      setZoom((now) => zoomedAt(now, Math.exp((-event.deltaY * unit) / 400), px, py));
    };
    const onDown = (event: PointerEvent): void => {
      if (event.target instanceof Element && event.target.closest('button')) return;
      down.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (down.size === 2) pinch = spread();
    };
    const onMove = (event: PointerEvent): void => {
      const before = down.get(event.pointerId);
      if (!before) return;
      down.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const r = size();
      if (down.size === 2) {
        const now = spread();
        const [a, b] = [...down.values()] as [{ x: number; y: number }, { x: number; y: number }];
        const [px, py] = [((a.x + b.x) / 2 - r.left) / r.width, ((a.y + b.y) / 2 - r.top) / r.height];
        const factor = now / pinch;
        pinch = now;
        setZoom((zoomed) => zoomedAt(zoomed, factor, px, py));
        return;
      }
      setZoom((now) =>
        now.scale === 1
          ? now
          : movedBy(now, (event.clientX - before.x) / r.width, (event.clientY - before.y) / r.height),
      );
    };
    const onUp = (event: PointerEvent): void => void down.delete(event.pointerId);
    element.addEventListener('wheel', onWheel, { passive: false });
    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    for (const name of ['pointerup', 'pointercancel', 'pointerleave'] as const) element.addEventListener(name, onUp);
    return () => {
      element.removeEventListener('wheel', onWheel);
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      for (const name of ['pointerup', 'pointercancel', 'pointerleave'] as const)
        element.removeEventListener(name, onUp);
    };
  }, []);
  return [zoom, setZoom];
}
