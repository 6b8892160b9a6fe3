// The next gap of any of the cameras, near or far.

import * as api from '../../shared/api/client';
import { HOUR, parseInstant, type Instant } from '../../shared/time/instant';
import { gapBefore, nextGap } from './gap-jump';
import type { NearGaps } from './use-coverage';

const FURTHEST_MS = 30 * 24 * HOUR;

export async function findGap(
  cameras: readonly string[],
  near: NearGaps,
  at: Instant,
  by: 1 | -1,
  now: Instant,
): Promise<Instant | null> {
  const known = [...near.byCamera.values()].flat();
  const inSight = by > 0 ? nextGap(known, at) : gapBefore(known, at);
  if (inSight !== null) return inSight;
  // Further on, in growing steps: the usual answer stays small.
  for (let reach = 12 * HOUR; reach <= FURTHEST_MS; reach *= 4) {
    const bounds = by > 0 ? { start: at, end: Math.min(at + reach, now) } : { start: at - reach, end: at };
    if (bounds.end - bounds.start < 1000) return null;
    const answers = await Promise.all(cameras.map((camera) => api.coverage(camera, bounds.start, bounds.end)));
    const gaps = answers.flatMap((answer) =>
      answer.gaps.map((gap) => ({ start: parseInstant(gap.start), end: parseInstant(gap.end) })),
    );
    const found = by > 0 ? nextGap(gaps, at) : gapBefore(gaps, at);
    if (found !== null) return found;
    if (by > 0 && at + reach >= now) return null;
  }
  return null;
}
