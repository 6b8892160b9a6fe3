// The one clock that several cameras are played by: what wall time of the footage it is at a moment of the page's time.
// Pure. Invariant: changing the speed, starting or stopping never moves the time.

import type { Instant } from '../../shared/time/instant';

export interface PlayClock {
  /** The footage's time at `since`. */
  at: Instant;
  /** The page's own time, in milliseconds (performance.now()). */
  since: number;
  /** Negative: backwards. */
  speed: number;
  runs: boolean;
}

export function clockAt(at: Instant, since: number, speed = 1): PlayClock {
  return { at, since, speed, runs: false };
}

export function timeOf(clock: PlayClock, now: number): Instant {
  return clock.runs ? clock.at + (now - clock.since) * clock.speed : clock.at;
}

export function running(clock: PlayClock, runs: boolean, now: number): PlayClock {
  return { ...clock, at: timeOf(clock, now), since: now, runs };
}

export function withSpeed(clock: PlayClock, speed: number, now: number): PlayClock {
  return { ...clock, at: timeOf(clock, now), since: now, speed };
}

export function movedTo(clock: PlayClock, at: Instant, now: number): PlayClock {
  return { ...clock, at, since: now };
}

/** The clock as text, for who measures: what it showed when, its speed, whether it runs. */
export function clockText(clock: PlayClock): string {
  return `${clock.at} ${clock.since} ${clock.speed} ${Number(clock.runs)}`;
}
