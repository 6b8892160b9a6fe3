// One camera's video element, fed with fragments through MediaSource. Invariant: positions are wall times; what is kept
// is a stretch around the picture, never all that was played.

import type { Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import type { TileInit } from './footage-messages';

const KEPT_BEHIND_S = 30;
/** More than is loaded ahead at the greatest speed, behind gaps too. */
const KEPT_AHEAD_S = 240;
/** Seconds; longer than any stretch from one origin on, so that a seek is never cut short. */
const DURATION_S = 400 * 24 * 3600;

export function mimeOfInit(init: TileInit): string {
  return `video/mp4; codecs="${[init.video, init.audio].filter(Boolean).join(', ')}"`;
}

export function canPlay(init: TileInit): boolean {
  return typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(mimeOfInit(init));
}

export class MediaTile {
  private source: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private queue: Array<{ init: TileInit | null; data: Uint8Array }> = [];
  private mime = '';
  private url = '';
  private failed: (() => void) | null = null;

  constructor(
    readonly video: HTMLVideoElement,
    private origin: Instant,
  ) {
    video.muted = true;
    video.preload = 'auto';
    // What it can't decode ends the source: nothing more would be taken, and all of it kept.
    video.addEventListener('error', () => this.source && this.fail());
  }

  onFailure(listener: () => void): void {
    this.failed = listener;
  }

  /** Where the picture is; null: there is none. */
  get position(): Instant | null {
    return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? this.wall(this.video.currentTime) : null;
  }

  get isSeeking(): boolean {
    return this.video.seeking;
  }

  /** Whether it could go on now. */
  get canGoOn(): boolean {
    return this.video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA && !this.video.seeking;
  }

  buffered(): Bounds[] {
    const ranges = this.buffer && this.source?.readyState === 'open' ? this.buffer.buffered : null;
    return Array.from({ length: ranges?.length ?? 0 }, (_, i) => ({
      start: this.wall(ranges!.start(i)),
      end: this.wall(ranges!.end(i)),
    }));
  }

  append(init: TileInit | null, data: Uint8Array): void {
    this.queue.push({ init, data });
    if (!this.source) this.open();
    this.work();
  }

  /** What was asked for before is not wanted any more. What is there stays. */
  forget(): void {
    this.queue = [];
    const { buffer } = this;
    if (!buffer || this.source?.readyState !== 'open') return;
    try {
      buffer.abort(); // a fragment that is cut in half must not be gone on with
    } catch {
      // What is far is being let go of: no fragment is cut in half.
    }
  }

  seek(to: Instant): void {
    this.video.currentTime = Math.max((to - this.origin) / 1000, 0);
  }

  go(rate: number): void {
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
    if (this.video.paused) this.video.play().catch(() => undefined); // the clock says again what is wanted
  }

  rest(): void {
    if (!this.video.paused) this.video.pause();
  }

  /** Begins anew, with another time zero. */
  restart(origin: Instant): void {
    this.close();
    this.origin = origin;
  }

  close(): void {
    this.queue = [];
    this.mime = '';
    this.buffer = null;
    if (this.source) {
      this.source = null;
      this.video.removeAttribute('src');
      this.video.load();
      URL.revokeObjectURL(this.url);
    }
  }

  private wall(position: number): Instant {
    return this.origin + position * 1000;
  }

  private open(): void {
    const source = new MediaSource();
    this.source = source;
    this.url = URL.createObjectURL(source);
    this.video.src = this.url;
    source.addEventListener('sourceopen', () => {
      if (source !== this.source) return;
      source.duration = DURATION_S;
      this.work();
    });
  }

  private work(): void {
    const { source, buffer } = this;
    const next = this.queue[0];
    if (!next || source?.readyState !== 'open' || buffer?.updating) return;
    try {
      if (next.init && this.takeInit(next.init)) return; // goes on when the source has changed
      if (!this.buffer) {
        this.queue.shift(); // a fragment before any init is of nothing
        return this.work();
      }
      if (this.trim()) return;
      this.buffer.appendBuffer(next.data as BufferSource);
      this.queue.shift();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'QuotaExceededError') {
        if (!this.trim(true)) this.queue.shift();
      } else this.fail();
    }
  }

  /** Makes the source ready for another init. True: it is busy with that. */
  private takeInit(init: TileInit): boolean {
    const mime = mimeOfInit(init);
    if (mime === this.mime) return false;
    if (!this.buffer) {
      const made = this.source!.addSourceBuffer(mime);
      made.mode = 'segments';
      made.addEventListener('updateend', () => made === this.buffer && this.work());
      made.addEventListener('error', () => made === this.buffer && this.fail());
      this.buffer = made;
    } else this.buffer.changeType(mime);
    this.mime = mime;
    return false;
  }

  /** Lets go of what is far from the picture. True: the buffer is busy with that. */
  private trim(hard = false): boolean {
    // Before the first picture, or on the way to another place, nothing says what is far.
    if (!hard && (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || this.video.seeking)) return false;
    const at = this.video.currentTime;
    const ranges = this.buffer!.buffered;
    const behind = hard ? 5 : KEPT_BEHIND_S;
    for (let i = 0; i < ranges.length; i += 1) {
      const [start, end] = [ranges.start(i), ranges.end(i)];
      if (start < at - 2 * behind) {
        this.buffer!.remove(start, Math.min(end, at - behind));
        return true;
      }
      if (start > at + KEPT_AHEAD_S) {
        this.buffer!.remove(start, end);
        return true;
      }
    }
    return false;
  }

  private fail(): void {
    this.close();
    this.failed?.();
  }
}
