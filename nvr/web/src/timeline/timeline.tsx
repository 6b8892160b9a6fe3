// The day of one camera. The canvas is a slider for the keyboard and for screen readers; the table of gaps below the
// page says in words what the colours say here.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { momentAt, type DayCoverage, type GapAt } from './day-coverage';
import { fill, useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import { MINUTE, SECOND, type Instant } from '../shared/time/instant';
import { causeWords, classWords } from '../shared/i18n/words';
import { ClipHandles } from './clip-handles';
import { draw, HEIGHT_PX, readPalette } from './draw';
import { hit, instantAt, xOf, zoomAt, type Bounds } from './geometry';
import { usePointer } from './pointer';

interface TimelineProps {
  day: Bounds;
  view: Bounds;
  coverage: DayCoverage | null;
  zone: string;
  playhead: Instant | null;
  clip: Bounds | null;
  highlight: GapAt | null;
  onView: (view: Bounds) => void;
  onSeek: (t: Instant) => void;
  onClip: (clip: Bounds) => void;
}

export function Timeline(props: TimelineProps) {
  const { day, view, coverage, zone, playhead, clip, highlight, onView, onSeek, onClip } = props;
  const { t, lang } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<number | null>(null);
  const [focused, setFocused] = useState(false);
  const [theme, setTheme] = useState(0);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    if (box.current) observer.observe(box.current);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => setTheme((n) => n + 1);
    dark.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      dark.removeEventListener('change', redraw);
    };
  }, []);

  useEffect(() => {
    if (!canvas.current || width === 0) return;
    const fine = view.end - view.start <= 20 * MINUTE;
    draw(
      canvas.current,
      width,
      {
        view,
        day,
        coverage,
        zone,
        clip,
        label: (at) => (fine ? format.clock(at, lang, zone) : format.clockMinutes(at, lang, zone)),
      },
      readPalette(canvas.current),
    );
  }, [width, view, day, coverage, zone, lang, clip, theme]);

  usePointer(box, { day, view, onView, onSeek, onHover: setHover });

  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowLeft: -10 * SECOND,
      ArrowRight: 10 * SECOND,
      PageUp: -10 * MINUTE,
      PageDown: 10 * MINUTE,
      ArrowDown: -MINUTE,
      ArrowUp: MINUTE,
    };
    const from = playhead ?? day.start;
    let target: Instant | null = null;
    if (event.key in steps) target = from + steps[event.key]! * (event.shiftKey ? 6 : 1);
    else if (event.key === 'Home') target = day.start;
    else if (event.key === 'End')
      target = Math.max(day.start, Math.min(day.end, coverage?.known ?? day.end) - 5 * SECOND);
    if (target === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    onSeek(Math.min(Math.max(target, day.start), day.end - 1));
  };

  const tolerance = width > 0 ? (3 * (view.end - view.start)) / width : 0;
  const hoverAt = hover !== null && width > 0 ? instantAt(Math.min(Math.max(hover, 0), width), view, width) : null;
  const tipAt = hoverAt ?? (focused ? playhead : null);
  const inView = playhead !== null && playhead >= view.start && playhead <= view.end;
  const valueText = playhead === null ? '' : `${format.dateTime(playhead, lang, zone)}, ${whatIsAt(playhead)}`;

  function whatIsAt(at: Instant): string {
    if (!coverage) return t.loading;
    const near = hoverAt === at ? hit(coverage.gaps, at, tolerance) : null;
    const moment = near ? ({ kind: 'gap', gap: near } as const) : momentAt(coverage, at);
    if (moment.kind === 'footage') return t.timeline.footage;
    if (moment.kind === 'unknown') return t.timeline.unknown;
    const { gap } = moment.gap;
    const length = gap.open ? '' : ` · ${format.duration(gap.duration_s, lang)}`;
    return `${t.camera.noFootage}: ${causeWords(gap.cause, t)} (${classWords(gap.class, t)})${length}`;
  }

  return (
    <div class="timeline" data-testid="timeline-box">
      <div
        ref={box}
        class="timeline-box"
        data-testid="timeline"
        role="slider"
        tabIndex={0}
        aria-label={fill(t.timeline.label, { day: format.longDate((day.start + day.end) / 2, lang, zone) })}
        aria-valuemin={0}
        aria-valuemax={Math.round((day.end - day.start) / SECOND)}
        aria-orientation="horizontal"
        aria-valuenow={
          playhead === null ? 0 : Math.round(Math.min(Math.max(playhead - day.start, 0), day.end - day.start) / SECOND)
        }
        aria-valuetext={valueText}
        onKeyDown={onKeyDown}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
      >
        <canvas ref={canvas} height={HEIGHT_PX} aria-hidden="true" />
        {highlight && width > 0 ? <Highlight gap={highlight} view={view} width={width} /> : null}
        {inView && width > 0 ? (
          <div
            class="playhead"
            data-testid="playhead"
            style={{ transform: `translateX(${xOf(playhead, view, width)}px)` }}
          />
        ) : null}
        {hover !== null ? <div class="hover-line" style={{ transform: `translateX(${hover}px)` }} /> : null}
      </div>
      {clip && width > 0 ? (
        <ClipHandles clip={clip} day={day} view={view} width={width} zone={zone} onClip={onClip} />
      ) : null}
      {tipAt !== null && width > 0 ? (
        <Tip x={xOf(tipAt, view, width)} width={width}>
          <strong>{format.dateTime(tipAt, lang, zone)}</strong>
          <span class="tip-utc">{format.utc(tipAt)}</span>
          <span>{whatIsAt(tipAt)}</span>
        </Tip>
      ) : null}
    </div>
  );
}

function Highlight({ gap, view, width }: { gap: GapAt; view: Bounds; width: number }) {
  const from = Math.max(0, xOf(gap.start, view, width));
  const to = Math.min(width, xOf(gap.end, view, width));
  return to < 0 || from > width ? null : (
    <div class="gap-highlight" style={{ left: `${from - 2}px`, width: `${Math.max(4, to - from + 4)}px` }} />
  );
}

function Tip({ x, width, children }: { x: number; width: number; children: preact.ComponentChildren }) {
  // Kept inside the timeline: the tip leans left or right at the edges.
  const place =
    x < 150 ? { left: '0' } : x > width - 150 ? { right: '0' } : { left: `${x}px`, transform: 'translateX(-50%)' };
  return (
    <div class="tip" role="presentation" data-testid="timeline-tip" style={place}>
      {children}
    </div>
  );
}

/** The zoom buttons' steps, for callers that zoom around the playhead. */
export function zoomStep(view: Bounds, anchor: Instant, day: Bounds, inwards: boolean): Bounds {
  const around = anchor >= view.start && anchor <= view.end ? anchor : (view.start + view.end) / 2;
  return zoomAt(view, around, inwards ? 2 : 0.5, day);
}
