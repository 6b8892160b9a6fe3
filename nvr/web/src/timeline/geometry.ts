// What part of the day is in view and where a moment lies in it.
// Invariant of a view: day.start <= view.start < view.end <= day.end and MIN_SPAN <= view length <= day length.

import { HOUR, MINUTE, SECOND, type Instant } from '../shared/time/instant';
import { civil } from '../shared/time/zone';

export interface Bounds {
  start: Instant;
  end: Instant;
}

/** Two minutes: a pixel is then about a tenth of a second on a wide screen. */
export const MIN_SPAN = 2 * MINUTE;

export const LEVELS = { day: Infinity, h6: 6 * HOUR, h1: HOUR, m10: 10 * MINUTE } as const;
export type Level = keyof typeof LEVELS;

export function xOf(t: Instant, view: Bounds, width: number): number {
  return ((t - view.start) / (view.end - view.start)) * width;
}

export function instantAt(x: number, view: Bounds, width: number): Instant {
  return view.start + (x / width) * (view.end - view.start);
}

/** A view of that length with `anchor` at `fraction` of its width, moved inside the day where it would stick out. */
export function viewAround(anchor: Instant, length: number, fraction: number, day: Bounds): Bounds {
  const size = Math.min(Math.max(length, MIN_SPAN), day.end - day.start);
  return inside({ start: anchor - size * fraction, end: anchor + size * (1 - fraction) }, day);
}

export function zoomAt(view: Bounds, anchor: Instant, factor: number, day: Bounds): Bounds {
  const length = view.end - view.start;
  const size = Math.min(Math.max(length / factor, MIN_SPAN), day.end - day.start);
  return viewAround(anchor, size, (anchor - view.start) / length, day);
}

export function pan(view: Bounds, by: number, day: Bounds): Bounds {
  return inside({ start: view.start + by, end: view.end + by }, day);
}

function inside(view: Bounds, day: Bounds): Bounds {
  const size = view.end - view.start;
  if (size >= day.end - day.start) return { ...day };
  const start = Math.min(Math.max(view.start, day.start), day.end - size);
  return { start, end: start + size };
}

/** Keeps the playhead in sight while it moves: turns the page when it leaves, and does nothing before. */
export function follow(view: Bounds, playhead: Instant, day: Bounds): Bounds {
  if (playhead >= view.start && playhead <= view.end) return view;
  if (playhead < day.start || playhead > day.end) return view;
  return viewAround(playhead, view.end - view.start, 0.1, day);
}

export function levelOf(view: Bounds, day: Bounds): Level | null {
  const length = view.end - view.start;
  if (Math.abs(length - (day.end - day.start)) < SECOND) return 'day';
  const found = (Object.entries(LEVELS) as Array<[Level, number]>).find(([, size]) => Math.abs(length - size) < SECOND);
  return found ? found[0] : null;
}

const STEPS_MIN = [1 / 6, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360];

export interface Tick {
  t: Instant;
  x: number;
}

/** Marks at round civil times, at least `minGap` pixels apart. */
export function ticks(view: Bounds, width: number, zone: string, minGap = 64): Tick[] {
  const perPixel = (view.end - view.start) / width;
  const step = (STEPS_MIN.find((m) => (m * MINUTE) / perPixel >= minGap) ?? 360) * MINUTE;
  const out: Tick[] = [];
  // Offsets are whole quarter hours, so stepping in UTC by at most that much meets every round civil time, also on days
  // on which the clock changes; of longer steps only the multiples within the civil day are kept.
  const stride = Math.min(step, 15 * MINUTE);
  for (let t = Math.ceil(view.start / stride) * stride; t <= view.end; t += stride) {
    const c = civil(t, zone);
    const sinceMidnight = ((c.hour * 60 + c.minute) * 60 + c.second) * SECOND;
    if (sinceMidnight % step !== 0) continue;
    const x = xOf(t, view, width);
    const last = out[out.length - 1];
    if (!last || x - last.x >= minGap * 0.75) out.push({ t, x });
  }
  return out;
}

export interface Painted<T> {
  item: T;
  x: number;
  width: number;
}

/**
 * Where intervals lie in the view. Nothing that happened gets narrower than `minWidth`, so a one-second gap stays
 * visible.
 */
export function paint<T extends Bounds>(
  items: readonly T[],
  view: Bounds,
  width: number,
  minWidth: number,
): Painted<T>[] {
  const out: Painted<T>[] = [];
  for (const item of items) {
    if (item.end <= view.start || item.start >= view.end) continue;
    const from = Math.max(0, xOf(item.start, view, width));
    const to = Math.min(width, xOf(item.end, view, width));
    const size = Math.max(to - from, minWidth);
    out.push({ item, x: Math.max(0, Math.min(from - (size - (to - from)) / 2, width - size)), width: size });
  }
  return out;
}

/** The interval under a moment, or the nearest within `tolerance`; sorted, disjoint intervals expected. */
export function hit<T extends Bounds>(items: readonly T[], t: Instant, tolerance: number): T | null {
  let best: T | null = null;
  let distance = tolerance;
  for (const item of items) {
    if (t >= item.start && t < item.end) return item;
    const away = t < item.start ? item.start - t : t - item.end;
    if (away <= distance) {
      best = item;
      distance = away;
    }
  }
  return best;
}
