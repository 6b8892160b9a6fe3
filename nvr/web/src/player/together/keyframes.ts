// Keyframes of several cameras at moments, as they were recorded, and those that came lately. Invariant: kept in memory
// only, bounded, and gone with the session.

import { keyframesAt } from '../../shared/api/client';
import { session } from '../../session';
import type { Instant } from '../../shared/time/instant';
import { messagesOf, type TileInit } from './footage-messages';
import { videoTrack, type VideoTrack } from './mp4';

export interface KeyframePicture {
  camera: string;
  init: TileInit;
  initData: Uint8Array;
  track: VideoTrack | null;
  /** From when it was shown, and until the next keyframe. */
  start: Instant;
  end: Instant;
  data: Uint8Array;
}

const MOST_BYTES = 64 << 20;

/** Of one camera: so many settings of it are asked about at once, since an address has an end. */
const MOST_INITS = 64;

interface Init {
  cameras: Set<string>;
  init: TileInit;
  data: Uint8Array;
  track: VideoTrack | null;
}

export class Keyframes {
  private readonly kept = new Map<string, KeyframePicture[]>();
  /** Moments without footage that were asked for: no need to ask again. */
  private readonly empty = new Set<string>();
  private readonly inits = new Map<string, Init>();
  private bytes = 0;

  /** The keyframe shown at a moment, if it is here; null: known that there is none; undefined: not known. */
  find(camera: string, at: Instant): KeyframePicture | null | undefined {
    const found = this.kept.get(camera)?.find((one) => at >= one.start - 0.001 && at < one.end);
    return found ?? (this.empty.has(`${camera} ${at}`) ? null : undefined);
  }

  /** The one that began nearest to a moment. */
  nearest(camera: string, at: Instant): KeyframePicture | null {
    let best: KeyframePicture | null = null;
    for (const one of this.kept.get(camera) ?? [])
      if (!best || Math.abs(one.start - at) < Math.abs(best.start - at)) best = one;
    return best;
  }

  /** The ids of what these cameras' pictures began with, as far as it is here: of all that were ever looked at an
   * address would not hold them. */
  private initsOf(cameras: readonly string[]): string[] {
    const theirs = [...this.inits].filter(([, one]) => cameras.some((camera) => one.cameras.has(camera)));
    return theirs.slice(-MOST_INITS).map(([id]) => id);
  }

  /** Asks for those of these moments that are not here. */
  async load(cameras: readonly string[], moments: readonly Instant[], signal?: AbortSignal): Promise<void> {
    const wanted = moments.filter((at) => cameras.some((camera) => this.find(camera, at) === undefined));
    if (wanted.length === 0) return;
    const answer = await keyframesAt(cameras, wanted, this.initsOf(cameras), signal);
    const now = new Map<number, string>();
    for await (const messages of messagesOf(answer)) {
      for (const message of messages) {
        const camera = cameras[message.tile];
        if (camera === undefined) continue;
        if (message.kind === 'init') {
          now.set(message.tile, message.init.id);
          const known = this.inits.get(message.init.id);
          known?.cameras.add(camera);
          if (message.data)
            this.inits.set(message.init.id, {
              cameras: new Set([...(known?.cameras ?? []), camera]),
              init: message.init,
              data: message.data,
              track: videoTrack(message.data),
            });
        } else if (message.kind === 'gap' || message.kind === 'lost') this.empty.add(`${camera} ${message.start}`);
        else if (message.kind === 'keyframe') {
          const init = this.inits.get(now.get(message.tile) ?? '');
          if (init)
            this.keep({
              camera,
              init: init.init,
              initData: init.data,
              track: init.track,
              start: message.start,
              end: message.end,
              data: message.data,
            });
        }
      }
    }
  }

  clear(): void {
    this.kept.clear();
    this.empty.clear();
    this.inits.clear();
    this.bytes = 0;
  }

  private keep(picture: KeyframePicture): void {
    const list = this.kept.get(picture.camera) ?? [];
    this.kept.set(picture.camera, list);
    const same = list.findIndex((one) => one.start === picture.start);
    if (same >= 0) this.bytes -= list.splice(same, 1)[0]!.data.length;
    list.push(picture);
    this.bytes += picture.data.length;
    while (this.bytes > MOST_BYTES) {
      // The one that came first of the camera that has most.
      const longest = [...this.kept.values()].reduce((a, b) => (b.length > a.length ? b : a));
      this.bytes -= longest.shift()?.data.length ?? this.bytes;
    }
    if (this.empty.size > 10_000) this.empty.clear();
  }
}

/** One for the page: previews, strips and playing by keyframes use the same. */
export const keyframes = new Keyframes();

session.subscribe((who) => {
  if (who.state === 'out') keyframes.clear();
});
