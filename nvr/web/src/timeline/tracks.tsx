// A track for each camera under one ruler, the day and the month below. The ruler is a slider for the keyboard and for
// screen readers; the gaps stand in words beside the picture.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { fill, useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import { MINUTE, SECOND, type Instant } from '../shared/time/instant';
import { ClipHandles } from './clip-handles';
import { runsOf, type Run, type Runs } from './columns';
import { readPalette } from './draw';
import { drawStrip, drawTracks, LANE_GAP, laneHeight, RULER, tracksHeight } from './draw-tracks';
import { instantAt, viewAround, xOf, type Bounds } from './geometry';
import { useTracksPointer } from './tracks-pointer';

export interface Lane {
  camera: string;
  name: string;
  /** Null: not loaded yet. */
  runs: Runs | null;
}

export interface TrackMark {
  at: Instant;
  track: number;
  id: string;
  /** Of what a device or an analysis marked, which has a length; without, it is somebody's bookmark. */
  kind?: string;
  end?: Instant;
}

/** More would hide one another, and cost more than they show. */
const MOST_MARKS = 400;

interface TracksProps {
  tracks: readonly Lane[];
  /** The stretch that the runs are of: the view of a moment ago, or this one. */
  of: Bounds;
  columns: number;
  dayRuns: readonly Run[];
  dayColumns: number;
  day: Bounds;
  view: Bounds;
  zone: string;
  playhead: Instant;
  range: Bounds | null;
  /** How much of a track's picture differed at moments, of 1. */
  activity: { track: number; points: ReadonlyArray<{ at: Instant; share: number }> } | null;
  marks: readonly TrackMark[];
  selected: number;
  /** Changes when the colours do. */
  theme: string;
  onView: (view: Bounds) => void;
  onSeek: (t: Instant) => void;
  onScrub: (t: Instant) => void;
  onRange: (range: Bounds) => void;
  onSelect: (track: number) => void;
  /** What stands over the pointer. */
  preview: (at: Instant, track: number) => ComponentChildren;
  whatIsAt: (at: Instant, track: number) => string;
  children?: ComponentChildren;
}

const STRIP = 14;
const PREVIEW_PX = 168;

export function TrackTimeline(props: TracksProps) {
  const { tracks, of, columns, day, view, zone, playhead, range, marks, selected, theme } = props;
  const { t, lang } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const strip = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<{ x: number; track: number } | null>(null);
  const height = tracksHeight(tracks.length);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!canvas.current || width === 0) return;
    const fine = view.end - view.start <= 20 * MINUTE;
    drawTracks(
      canvas.current,
      width,
      {
        view,
        tracks: tracks.map((track) => (track.runs ? runsOf(track.runs) : [])),
        of,
        columns,
        zone,
        label: (at) => (fine ? format.clock(at, lang, zone) : format.clockMinutes(at, lang, zone)),
      },
      readPalette(canvas.current),
    );
  }, [width, view.start, view.end, tracks, of, columns, zone, lang, theme]);

  useEffect(() => {
    if (strip.current && width > 0)
      drawStrip(strip.current, width, STRIP, props.dayRuns, props.dayColumns, readPalette(strip.current));
  }, [width, props.dayRuns, props.dayColumns, theme]);

  useTracksPointer(box, {
    day,
    view,
    count: tracks.length,
    onView: props.onView,
    onSeek: props.onSeek,
    onScrub: props.onScrub,
    onRange: props.onRange,
    onHover: setHover,
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowLeft: -10 * SECOND,
      ArrowRight: 10 * SECOND,
      PageUp: -10 * MINUTE,
      PageDown: 10 * MINUTE,
      ArrowDown: -MINUTE,
      ArrowUp: MINUTE,
    };
    // With Shift the arrows go from gap to gap, here as anywhere on the page.
    if (!(event.key in steps) || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    props.onSeek(Math.min(Math.max(playhead + steps[event.key]!, day.start), day.end - 1));
  };

  const inView = playhead >= view.start && playhead <= view.end;
  const hoverAt = hover && width > 0 ? instantAt(hover.x, view, width) : null;
  const dayX = (at: Instant): number => xOf(at, day, width);

  return (
    <div class="tl" data-testid="tracks" style={{ '--tracks': `${height}px` }}>
      <div class="tl-names" aria-hidden="true">
        <span class="cap tl-date">{format.longDate((day.start + day.end) / 2, lang, zone)}</span>
        {tracks.map((track, i) => (
          <span
            key={track.camera}
            class={`tl-name ${i === selected ? 'is-selected' : ''}`}
            style={{ height: `${laneHeight(tracks.length) + LANE_GAP}px` }}
            onClick={() => props.onSelect(i)}
          >
            <b>{i + 1}</b>
            <span class="ell">{track.name}</span>
          </span>
        ))}
      </div>
      <div class="tl-body">
        <div
          ref={box}
          class="tl-box"
          data-testid="tracks-box"
          data-view={`${view.start} ${view.end}`}
          role="slider"
          tabIndex={0}
          aria-label={fill(t.timeline.label, { day: format.longDate((day.start + day.end) / 2, lang, zone) })}
          aria-valuemin={0}
          aria-valuemax={Math.round((day.end - day.start) / SECOND)}
          aria-valuenow={Math.round(Math.min(Math.max(playhead - day.start, 0), day.end - day.start) / SECOND)}
          aria-valuetext={`${format.dateTime(playhead, lang, zone)}, ${props.whatIsAt(playhead, selected)}`}
          onKeyDown={onKeyDown}
        >
          <canvas ref={canvas} aria-hidden="true" />
        </div>
        {props.activity && props.activity.track >= 0 && width > 0 ? (
          <Activity {...props.activity} count={tracks.length} view={view} width={width} />
        ) : null}
        {range && width > 0 ? <Range range={range} view={view} width={width} height={height} /> : null}
        {range && width > 0 ? (
          <ClipHandles clip={range} day={day} view={view} width={width} zone={zone} onClip={props.onRange} />
        ) : null}
        {width > 0
          ? marks
              .filter((mark) => (mark.end ?? mark.at) >= view.start && mark.at <= view.end)
              .slice(0, MOST_MARKS)
              .map((mark) => (
                <i
                  key={mark.id}
                  class={mark.kind ? 'tl-mark is-event' : 'tl-mark'}
                  data-testid="track-mark"
                  data-kind={mark.kind}
                  style={{
                    left: `${xOf(Math.max(mark.at, view.start), view, width)}px`,
                    ...(mark.end === undefined
                      ? {}
                      : {
                          width: `${Math.max(2, xOf(Math.min(mark.end, view.end), view, width) - xOf(Math.max(mark.at, view.start), view, width))}px`,
                        }),
                    top: `${RULER + mark.track * (laneHeight(tracks.length) + LANE_GAP)}px`,
                  }}
                />
              ))
          : null}
        {inView && width > 0 ? (
          <div class="tl-head" data-testid="tracks-playhead" style={{ left: `${xOf(playhead, view, width)}px` }}>
            <span>{format.clock(playhead, lang, zone)}</span>
          </div>
        ) : null}
        {hover && hoverAt !== null ? (
          <>
            <div class="tl-hover" style={{ left: `${hover.x}px` }} />
            <div
              class="tl-preview"
              role="presentation"
              data-testid="tracks-preview"
              style={{ left: `${Math.min(Math.max(hover.x, PREVIEW_PX / 2), width - PREVIEW_PX / 2)}px` }}
            >
              {props.preview(hoverAt, hover.track)}
            </div>
          </>
        ) : null}
        <div
          class="tl-day"
          data-testid="day-strip"
          aria-hidden="true"
          onClick={(event) => {
            const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
            props.onView(viewAround(instantAt(x, day, width), view.end - view.start, 0.5, day));
          }}
        >
          <canvas ref={strip} />
          <i
            class="tl-window"
            style={{ left: `${dayX(view.start)}px`, width: `${dayX(view.end) - dayX(view.start)}px` }}
          />
          {playhead >= day.start && playhead < day.end ? (
            <i class="tl-day-head" style={{ left: `${dayX(playhead)}px` }} />
          ) : null}
        </div>
        {props.children}
      </div>
    </div>
  );
}

/** A line a keyframe, as high as what differs; small differences are seen too. */
function Activity({
  track,
  points,
  count,
  view,
  width,
}: {
  track: number;
  points: ReadonlyArray<{ at: Instant; share: number }>;
  count: number;
  view: Bounds;
  width: number;
}) {
  const height = laneHeight(count);
  // One line a pixel: the largest of those that fall on it.
  const most = new Map<number, number>();
  for (const { at, share } of points) {
    if (share <= 0 || at < view.start || at > view.end) continue;
    const x = Math.round(xOf(at, view, width));
    most.set(x, Math.max(most.get(x) ?? 0, share));
  }
  const lines = [...most].map(([x, share]) => `M${x} ${height}v${-Math.max(1, Math.sqrt(share) * height).toFixed(1)}`);
  return (
    <svg
      class="tl-activity"
      data-testid="track-activity"
      data-lines={lines.length}
      aria-hidden="true"
      width={width}
      height={height}
      style={{ top: `${RULER + track * (height + LANE_GAP)}px` }}
    >
      <path d={lines.join('')} />
    </svg>
  );
}

function Range({ range, view, width, height }: { range: Bounds; view: Bounds; width: number; height: number }) {
  const { lang } = useWords();
  const from = Math.max(0, xOf(range.start, view, width));
  const to = Math.min(width, xOf(range.end, view, width));
  if (to < 0 || from > width || to <= from) return null;
  return (
    <div
      class="tl-range"
      data-testid="tracks-range"
      style={{ left: `${from}px`, width: `${to - from}px`, height: `${height - RULER}px` }}
    >
      {to - from > 60 ? <span>{format.durationBetween(range.start, range.end, lang)}</span> : null}
    </div>
  );
}
