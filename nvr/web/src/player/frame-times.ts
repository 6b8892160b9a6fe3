// When frames are shown, as the server's index has it: steps go by these, never by a frame rate. Cameras' frames come
// when they come (player.md §5). Invariant: kept are the times of one stretch of one camera.

import { frames } from '../shared/api/client';
import { SECOND, parseInstant, type Instant } from '../shared/time/instant';
import { frameBeside } from './together/decide';

/** Asked for on each side of a moment. */
const AROUND_MS = 30 * SECOND;
const EDGE_MS = SECOND;

interface Stretch {
  camera: string;
  times: Instant[];
  start: Instant;
  end: Instant;
}

export class FrameSteps {
  private had: Stretch | null = null;

  /** The frame after or before the one shown at a moment, and all times around it; null: there is none near. */
  async beside(
    camera: string,
    at: Instant,
    by: 1 | -1,
    now: Instant,
  ): Promise<{ frame: Instant; times: Instant[] } | null> {
    for (const middle of [at, at + by * AROUND_MS * 0.9]) {
      const { times } = await this.around(camera, middle, now, middle !== at);
      const frame = frameBeside(times, at, by);
      if (frame !== null) return { frame, times };
    }
    return null;
  }

  private async around(camera: string, at: Instant, now: Instant, anew: boolean): Promise<Stretch> {
    const { had } = this;
    if (!anew && had?.camera === camera && at > had.start + EDGE_MS && at < had.end - EDGE_MS) return had;
    const [start, end] = [at - AROUND_MS, Math.max(Math.min(at + AROUND_MS, now), at + EDGE_MS)];
    const answer = await frames(camera, start, end);
    const times: Instant[] = [];
    if (answer.first !== null) {
      const first = parseInstant(answer.first);
      let us = 0;
      times.push(first);
      for (const step of answer.steps_us) times.push(first + (us += step) / 1000);
    }
    return (this.had = { camera, times, start, end });
  }
}
