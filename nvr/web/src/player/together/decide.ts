// What to do with one camera of several at a moment, and how to play at a speed. Pure: the engine asks, and does.

import type { Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';

export const PLAY_SPEEDS = [-64, -16, -4, -1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64] as const;

/** `frames`: every frame, by the browser's own player. `keyframes`: a fixed number of pictures a second. */
export type Way = 'frames' | 'keyframes';

/** Two cores decode and paint about so many (player.md); beyond it a browser begins to stall. */
const MOST_PICTURES_S = 250;
const FASTEST = 8;

export function wayFor(speed: number, tiles: number, framesPerS: number): Way {
  if (speed < 0 || speed > FASTEST) return 'keyframes';
  return tiles * framesPerS * speed > MOST_PICTURES_S && speed > 1 ? 'keyframes' : 'frames';
}

/** Pictures a second of each tile when playing by keyframes: so many that all together stay easy. */
export function picturesPerS(tiles: number): number {
  return tiles <= 4 ? 8 : tiles <= 9 ? 6 : 4;
}

/** The moments that come next at a speed, `count` of them, from where `from` was the last. */
export function nextMoments(from: Instant, speed: number, perS: number, count: number): Instant[] {
  const step = (speed * 1000) / perS;
  return Array.from({ length: count }, (_, i) => from + step * (i + 1));
}

export interface TileLook {
  /** What the clock shows. */
  clock: Instant;
  speed: number;
  /** Whether the clock runs. */
  runs: boolean;
  /** Where the picture is; null: there is none. */
  position: Instant | null;
  buffered: readonly Bounds[];
  /** Stretches without footage, as far as is known. */
  nothing: readonly Bounds[];
  seeking: boolean;
}

export type TileAction =
  /** No footage here: nothing moves until the clock has left it. */
  | { do: 'gap' }
  /** Footage that has not come yet. */
  | { do: 'wait' }
  | { do: 'seek'; to: Instant }
  /** As it should be; `rate` brings it nearer to the clock. */
  | { do: 'go'; rate: number };

const IN_STEP_MS = 20;
const JUMP_MS = 1000;
const NUDGE = 0.1;
/** A picture may begin a little after the time that is asked for, where two stretches meet. */
const EDGE_MS = 60;

export function within(bounds: readonly Bounds[], t: Instant, slack = 0): Bounds | null {
  return bounds.find((b) => t >= b.start - slack && t < b.end + slack) ?? null;
}

export function tileAction(look: TileLook): TileAction {
  const { clock, position } = look;
  if (within(look.nothing, clock)) return { do: 'gap' };
  const here = within(look.buffered, clock, EDGE_MS);
  if (!here) return { do: 'wait' };
  if (look.seeking) return { do: 'go', rate: look.speed };
  const target = Math.max(clock, here.start);
  if (position === null) return { do: 'seek', to: target };
  const late = target - position;
  if (!look.runs) return Math.abs(late) > 1 ? { do: 'seek', to: target } : { do: 'go', rate: look.speed };
  if (Math.abs(late) > JUMP_MS * Math.max(1, look.speed)) return { do: 'seek', to: target };
  if (Math.abs(late) <= IN_STEP_MS * Math.max(1, look.speed)) return { do: 'go', rate: look.speed };
  return { do: 'go', rate: look.speed * (late > 0 ? 1 + NUDGE : 1 - NUDGE) };
}

/** Whether the clock has to wait for a tile before it may run: it has footage here that has not come. */
export function holdsClock(look: TileLook, canPlay: boolean): boolean {
  const action = tileAction(look);
  if (action.do === 'gap') return false;
  return action.do !== 'go' || look.seeking || !canPlay;
}

/** Adds a stretch to those known, joined where they touch. */
export function joinedWith(known: readonly Bounds[], more: Bounds): Bounds[] {
  const out: Bounds[] = [];
  let { start, end } = more;
  for (const b of known) {
    if (b.end < start || b.start > end) out.push(b);
    else {
      start = Math.min(start, b.start);
      end = Math.max(end, b.end);
    }
  }
  out.push({ start, end });
  return out.sort((a, b) => a.start - b.start);
}

/** The frame shown at a moment and those beside it, of times in order. */
export function frameBeside(times: readonly Instant[], at: Instant, by: 1 | -1): Instant | null {
  // Half a microsecond: times go through milliseconds with a fraction.
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= at + 0.0005) low = middle + 1;
    else high = middle;
  }
  const here = low - 1;
  if (by > 0) return times[here + 1] ?? null;
  return here > 0 ? times[here - 1]! : null;
}

/** Where in a frame to aim: not at its first moment, which rounding may put into the frame before. */
export function aimAt(times: readonly Instant[], frame: Instant): Instant {
  const next = times.find((t) => t > frame);
  return frame + Math.min(next === undefined ? 10 : (next - frame) / 2, 10);
}
