// Which stretch of footage one playlist covers. Two hours keep the playlist small and its bar of seeks wide.

import { HOUR, MINUTE, type Instant } from '../shared/time/instant';
import type { Bounds } from '../timeline/geometry';

export const WINDOW = 2 * HOUR;
const BEFORE = 20 * MINUTE;
const GRID = 10 * MINUTE;

/**
 * The window for a seek. It starts on a round ten minutes, so that seeks near each other share one playlist, and leaves
 * room before the moment, because people look a little earlier more often than much later.
 */
export function windowAround(t: Instant, now: Instant): Bounds {
  const start = Math.floor((t - BEFORE) / GRID) * GRID;
  return { start, end: upTo(start + WINDOW, t, now) };
}

/** The window after one that played out: it starts where that ended, to the microsecond. */
export function windowFrom(start: Instant, now: Instant): Bounds {
  return { start, end: upTo(start + WINDOW, start, now) };
}

/** Not past now, since nobody can play that; but never empty, or the server could not say what it has. */
function upTo(end: Instant, t: Instant, now: Instant): Instant {
  return Math.max(Math.min(end, now), t + 1000);
}
