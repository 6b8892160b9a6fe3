// Playing by keyframes: backwards, fast, or over a thin line. A fixed number of pictures a second, asked for a little
// ahead. Invariant: the clock never runs away from what has come by more than a moment: it waits.

import type { Instant } from '../../shared/time/instant';
import { running, timeOf, type PlayClock } from './clock';
import { nextMoments, picturesPerS } from './decide';
import { keyframes } from './keyframes';
import type { PlayedTile } from './tile';

/** Of pictures that are asked for at once. */
const BATCH = 8;
/** At first, so that it begins at once. */
const FIRST = 3;
const AGAIN_MS = 1000;

export class KeyframePlay {
  isOn = false;
  private asked: Instant | null = null;
  private loaded: Instant | null = null;
  private generation = 0;
  private isLoading = false;
  private wanted: Instant | null = null;
  private showing = false;

  constructor(
    private readonly tiles: readonly PlayedTile[],
    private readonly isGap: (camera: string, at: Instant) => boolean,
  ) {}

  stop(): void {
    this.generation += 1;
    this.isOn = this.isLoading = false;
    this.asked = this.loaded = this.wanted = null;
  }

  /** One moment; of several asked for meanwhile the last. */
  show(at: Instant): void {
    this.wanted = at;
    this.paint(at, true);
    if (!this.showing) void this.showWanted();
  }

  /** Paints what the clock means, asks for what comes, and returns the clock as it may run. */
  look(clock: PlayClock, now: number, newest: Instant): PlayClock {
    const at = timeOf(clock, now);
    const perS = picturesPerS(this.tiles.length);
    const step = (clock.speed * 1000) / perS;
    if (!this.isOn || this.asked === null) {
      this.isOn = true;
      this.asked = at - step;
      this.loaded = null;
    }
    const isAhead = (a: Instant, b: Instant): boolean => (clock.speed > 0 ? a > b : a < b);
    if (!this.isLoading && !isAhead(this.asked, at + step * BATCH * 2)) void this.ask(clock.speed, perS, newest);
    const isHere = this.loaded !== null && !isAhead(at, this.loaded);
    const isOver = clock.speed > 0 ? at >= newest : at <= 0;
    return running(clock, isHere && !isOver, now);
  }

  /** What is here and nearest to a moment; `exact`: not another one while the right one is on its way. */
  paint(at: Instant, exact = false): void {
    for (const tile of this.tiles) {
      const found = keyframes.find(tile.camera, at);
      if (found === null || this.isGap(tile.camera, at)) tile.blank();
      else {
        const picture = found ?? (exact ? null : keyframes.nearest(tile.camera, at));
        if (picture) tile.cover(picture);
      }
    }
  }

  private async ask(speed: number, perS: number, newest: Instant): Promise<void> {
    const generation = this.generation;
    // To the millisecond, so that the same moment is found again.
    const moments = nextMoments(this.asked!, speed, perS, this.loaded === null ? FIRST : BATCH).map(Math.round);
    const known = moments.filter((at) => at <= newest && at >= 0);
    this.isLoading = true;
    try {
      if (known.length > 0)
        await keyframes.load(
          this.tiles.map((tile) => tile.camera),
          known,
        );
      if (generation !== this.generation) return;
      this.asked = this.loaded = moments.at(-1)!;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS)); // the clock waits meanwhile
    } finally {
      if (generation === this.generation) this.isLoading = false;
    }
  }

  private async showWanted(): Promise<void> {
    this.showing = true;
    while (this.wanted !== null) {
      const at = this.wanted;
      this.wanted = null;
      try {
        await keyframes.load(
          this.tiles.map((tile) => tile.camera),
          [at],
        );
        // A later one may have come meanwhile, or frames again.
        if (this.wanted === null && this.tiles.some((tile) => tile.isScrubbed)) this.paint(at, true);
      } catch {
        // the picture before stays
      }
    }
    this.showing = false;
  }
}
