// The bar that plays, seeks and goes at a speed.

import type { RefObject } from 'preact';
import { PLAY_SPEEDS } from '../../player/together/decide';
import type { TogetherPlayer, TogetherState } from '../../player/together/together';
import { picturesPerS } from '../../player/together/decide';
import { stillUrl } from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { HOUR, MINUTE, type Instant } from '../../shared/time/instant';
import { Icon, IconButton } from '../../shared/ui/icons';
import { Sign } from '../../shared/ui/signs';
import { TimeField } from '../../shared/ui/time-field';
import type { Bounds } from '../../timeline/geometry';

/** Those that have a button of their own; all are in the list beside. */
const SHORT = [-4, 1, 4, 16, 64] as const;
export const LENGTHS = { day: 25 * HOUR, h6: 6 * HOUR, hour: 90 * MINUTE, m10: 10 * MINUTE } as const;

interface TransportProps {
  together: TogetherPlayer;
  state: TogetherState;
  selected: string;
  zone: string;
  view: Bounds;
  day: Bounds;
  time: RefObject<HTMLDivElement | null>;
  photo: RefObject<HTMLAnchorElement | null>;
  onSeek: (at: Instant) => void;
  onStep: (by: 1 | -1) => void;
  onGap: (by: 1 | -1) => void;
  onLength: (ms: number) => void;
  onBookmark: () => void;
  onFull: () => void;
  liveHref: string;
}

export function Transport(props: TransportProps) {
  const { together, state, selected, zone, view, day, onSeek } = props;
  const { t, lang } = useWords();
  const [c, p] = [t.camera, t.playback];
  const { at, speed } = state;
  const shown = state.playing ? Math.floor(at / 100) * 100 : Math.floor(at * 1000) / 1000;
  const length = view.end - view.start;
  const isDay = Math.abs(length - (day.end - day.start)) < 1000;
  const name = (value: number): string => `${value < 0 ? '−' : ''}${format.number(Math.abs(value), lang, 2)}×`;
  return (
    <div
      class="trans"
      role="toolbar"
      aria-label={p.transport}
      onMouseDown={(event) => {
        // A pressed button keeps no focus: the space bar goes on to play, and does not press it again.
        if (event.target instanceof Element && event.target.closest('button')) event.preventDefault();
      }}
    >
      <button
        type="button"
        class="ib no-phone"
        aria-label={p.gapBefore}
        title={`${p.gapBefore} (Shift ←)`}
        data-testid="gap-before"
        onClick={() => props.onGap(-1)}
      >
        <Sign name="left" />
      </button>
      <IconButton icon="back10" label={c.back10} testid="back-10" onClick={() => onSeek(at - 10_000)} />
      <IconButton icon="frameBack" label={c.frameBack} testid="frame-back" onClick={() => props.onStep(-1)} />
      <button
        type="button"
        class="ib play"
        data-testid="play"
        aria-label={state.playing ? c.pause : c.play}
        title={state.playing ? c.pause : c.play}
        onClick={() => together.toggle()}
      >
        <Icon name={state.playing ? 'pause' : 'play'} />
      </button>
      <IconButton icon="frameForward" label={c.frameForward} testid="frame-forward" onClick={() => props.onStep(1)} />
      <IconButton icon="forward10" label={c.forward10} testid="forward-10" onClick={() => onSeek(at + 10_000)} />
      <button
        type="button"
        class="ib no-phone"
        aria-label={p.gapAfter}
        title={`${p.gapAfter} (Shift →)`}
        data-testid="gap-after"
        onClick={() => props.onGap(1)}
      >
        <Sign name="right" />
      </button>
      <div ref={props.time} class="time">
        <TimeField label={p.goTo} at={shown} zone={zone} testid="go-to" onAt={onSeek} />
        <output class="zone no-phone" data-testid="utc">
          {format.utc(at).slice(11)}
        </output>
      </div>
      <span class="seg opt" role="group" aria-label={c.speed}>
        {SHORT.map((value) => (
          <button
            key={value}
            type="button"
            aria-pressed={speed === value}
            data-testid={`speed-${value}`}
            onClick={() => together.setSpeed(value)}
          >
            {name(value)}
          </button>
        ))}
      </span>
      <label class="speed">
        <span class="visually-hidden">{c.speed}</span>
        <select
          data-testid="speed"
          value={String(speed)}
          title={c.speed}
          onChange={(event) => together.setSpeed(Number(event.currentTarget.value))}
        >
          {PLAY_SPEEDS.map((value) => (
            <option key={value} value={String(value)}>
              {name(value)}
            </option>
          ))}
        </select>
      </label>
      <span class="trans-words" role="status" data-testid="playback-words">
        {state.failure !== null
          ? fill(p.failed, {
              why: state.failure === 'offline' ? t.offline : (state.failure.title ?? `HTTP ${state.failure.status}`),
            })
          : state.edge
            ? p.edge
            : state.whyKeyframes !== null && state.playing
              ? fill(state.whyKeyframes === 'thin' ? p.thin : p.byKeyframes, { n: picturesPerS(state.tiles.length) })
              : state.waits
                ? p.waits
                : ''}
      </span>
      {state.whyKeyframes === 'thin' ? (
        <button type="button" class="btn s" data-testid="every-frame" onClick={() => together.setSpeed(speed)}>
          {p.everyFrame}
        </button>
      ) : null}
      <span class="grow opt" />
      <span class="seg opt" role="group" aria-label={t.timeline.zoom}>
        {(Object.keys(LENGTHS) as Array<keyof typeof LENGTHS>).map((key) => (
          <button
            key={key}
            type="button"
            data-testid={`zoom-${key}`}
            aria-pressed={key === 'day' ? isDay : Math.abs(length - LENGTHS[key]) < 1000}
            onClick={() => props.onLength(LENGTHS[key])}
          >
            {key === 'hour' ? p.hour : t.timeline.levels[key]}
          </button>
        ))}
      </span>
      <button
        type="button"
        class="ib"
        aria-label={p.bookmark}
        title={`${p.bookmark} (B)`}
        data-testid="bookmark"
        onClick={props.onBookmark}
      >
        <Sign name="bookmark" />
      </button>
      <a
        ref={props.photo}
        class="ib opt"
        aria-label={p.still}
        title={`${p.still} (S)`}
        data-testid="snapshot"
        href={stillUrl(selected, at, 'png', lang)}
        download
      >
        <Sign name="photo" />
      </a>
      <button
        type="button"
        class="ib"
        aria-label={c.fullscreen}
        title={`${c.fullscreen} (F)`}
        data-testid="fullscreen"
        onClick={props.onFull}
      >
        <Sign name="full" />
      </button>
      <a class="btn opt" data-testid="live" href={props.liveHref}>
        {c.live}
      </a>
    </div>
  );
}
