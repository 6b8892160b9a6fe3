// Presentation position (seconds, what the video element counts) ↔ wall clock (an instant). Every playlist entry
// carries its wall-clock time and a gap is one entry as long as the gap, so both run in step; the entries are still
// asked one by one, because a run's clock may be slewed by some parts per million against the server's.

import type { Instant } from '../shared/time/instant';

export interface Entry {
  /** Seconds. */
  position: number;
  /** Seconds. */
  duration: number;
  wall: Instant;
  gap: boolean;
}

export function wallAt(entries: readonly Entry[], position: number): Instant | null {
  const entry = last(entries, (e) => e.position <= position + 1e-6) ?? entries[0];
  return entry ? entry.wall + (position - entry.position) * 1000 : null;
}

export function positionAt(entries: readonly Entry[], wall: Instant): number | null {
  const entry = last(entries, (e) => e.wall <= wall + 1e-3) ?? entries[0];
  if (!entry) return null;
  // Between two entries whose clocks disagree by a little, stay in the one that was found.
  return entry.position + Math.min(Math.max(0, (wall - entry.wall) / 1000), entry.duration);
}

function last(entries: readonly Entry[], test: (e: Entry) => boolean): Entry | null {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(entries[middle]!)) low = middle + 1;
    else high = middle;
  }
  return entries[low - 1] ?? null;
}

/** Where the playlist's footage ends: a trailing gap is never played, so waiting for its end would wait for ever. */
export function footageEnd(entries: readonly Entry[]): { position: number; wall: Instant } | null {
  for (let i = entries.length - 1; i >= 0; i -= 1) {
    const e = entries[i]!;
    if (!e.gap) return { position: e.position + e.duration, wall: e.wall + e.duration * 1000 };
  }
  return null;
}
