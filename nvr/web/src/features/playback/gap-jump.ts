// From gap to gap: the next stretch without footage of any of the cameras, whichever way one goes. Pure.

import type { Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';

/** Shorter than this apart, gaps are one to somebody who goes from gap to gap. */
const NEAR_MS = 500;

export function nextGap(gaps: readonly Bounds[], at: Instant): Instant | null {
  const later = gaps.map((gap) => gap.start).filter((start) => start > at + NEAR_MS);
  return later.length > 0 ? Math.min(...later) : null;
}

export function gapBefore(gaps: readonly Bounds[], at: Instant): Instant | null {
  const earlier = gaps.map((gap) => gap.start).filter((start) => start < at - NEAR_MS);
  return earlier.length > 0 ? Math.max(...earlier) : null;
}
