// One camera's live picture in a video element, fed with fragments as they come. It stays near the newest moment: a
// little behind it plays a little faster, far behind it jumps. Invariant: what is kept is seconds, never all that came.

import type { Instant } from '../../shared/time/instant';
import type { LiveInit } from './live-messages';

/** Behind the newest fragment's end: a fragment is half a second, and comes when it is whole. */
const BEHIND_S = 0.7;
const JUMP_S = 4;
const KEPT_S = 12;
const FASTER = 1.15;
const MOST_QUEUED = 120;

export interface LiveAction {
  jump: number | null;
  rate: number;
}

/** What to do with a picture that is so many seconds behind the end of what is there. Pure. */
export function liveAction(behindS: number): LiveAction {
  if (behindS > JUMP_S || behindS < 0) return { jump: BEHIND_S, rate: 1 };
  if (behindS > BEHIND_S + 0.5) return { jump: null, rate: FASTER };
  return { jump: null, rate: 1 };
}

export function liveMime(init: LiveInit): string {
  return `video/mp4; codecs="${[init.video, init.audio].filter(Boolean).join(', ')}"`;
}

const AGAIN_MS = 2_000;

export class LiveVideo {
  private source: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private queue: Uint8Array[] = [];
  private url = '';
  /** What the stream began with; it is not sent again when only the picture here has failed. */
  private last: { init: LiveInit; data: Uint8Array } | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;
  /** Where in the element's time the newest fragment ends, and when in the world. */
  private newest: { at: number; wall: Instant } | null = null;
  private walls: Instant[] = [];

  constructor(
    readonly video: HTMLVideoElement,
    private readonly onPlaying: () => void,
    private readonly onFailure: () => void,
  ) {
    video.muted = true;
    video.playsInline = true;
    video.addEventListener('playing', onPlaying);
    video.addEventListener('error', this.onError);
  }

  /** What it can't decode ends the source without another word. */
  private readonly onError = (): void => {
    if (this.source) this.fail();
  };

  static canPlay(init: LiveInit): boolean {
    return typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(liveMime(init));
  }

  begin(init: LiveInit, data: Uint8Array): void {
    const mime = liveMime(init);
    clearTimeout(this.again);
    this.last = { init, data };
    if (this.source && this.buffer && this.source.readyState === 'open') {
      try {
        this.buffer.changeType(mime);
        this.queue = [data];
        this.walls = [];
        return this.work();
      } catch {
        // begun anew, then
      }
    }
    this.close();
    const source = new MediaSource();
    this.source = source;
    this.queue = [data];
    this.url = URL.createObjectURL(source);
    this.video.src = this.url;
    source.addEventListener(
      'sourceopen',
      () => {
        if (source !== this.source) return;
        try {
          const buffer = source.addSourceBuffer(mime);
          // Times of a camera jump; its pictures follow each other all the same.
          buffer.mode = 'sequence';
          buffer.addEventListener('updateend', () => this.updated());
          buffer.addEventListener('error', () => this.fail());
          this.buffer = buffer;
          this.work();
        } catch {
          this.fail();
        }
      },
      { once: true },
    );
  }

  add(data: Uint8Array, end: Instant): void {
    if (!this.source || this.queue.length > MOST_QUEUED) return;
    this.queue.push(data);
    this.walls.push(end);
    this.work();
  }

  /** How old what is on the screen is, in milliseconds; null: there is no picture. */
  ageMs(now: Instant): number | null {
    if (!this.newest || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    return Math.max(0, now - this.newest.wall + (this.newest.at - this.video.currentTime) * 1000);
  }

  close(): void {
    this.queue = [];
    this.walls = [];
    this.buffer = null;
    this.newest = null;
    if (!this.source) return;
    this.source = null;
    URL.revokeObjectURL(this.url);
  }

  /** As `close`, and the picture goes. */
  end(): void {
    this.video.removeEventListener('playing', this.onPlaying);
    this.video.removeEventListener('error', this.onError);
    clearTimeout(this.again);
    this.last = null;
    const had = this.source !== null;
    this.close();
    if (had) {
      this.video.removeAttribute('src');
      this.video.load();
    }
  }

  private work(): void {
    const { buffer, source } = this;
    if (!buffer || buffer.updating || source?.readyState !== 'open') return;
    const next = this.queue.shift();
    if (!next) return;
    try {
      buffer.appendBuffer(next as BufferSource);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'QuotaExceededError' && this.trim(2))
        this.queue.unshift(next);
      else this.fail();
    }
  }

  private updated(): void {
    const { buffer, video } = this;
    if (!buffer || this.source?.readyState !== 'open') return;
    const ranges = buffer.buffered;
    if (ranges.length > 0) {
      const end = ranges.end(ranges.length - 1);
      // One append is one fragment; the first is the init.
      if (this.newest === null || end > this.newest.at) {
        const wall = this.walls.shift();
        if (wall !== undefined) this.newest = { at: end, wall };
      }
      const { jump, rate } = liveAction(end - video.currentTime);
      const start = ranges.start(ranges.length - 1);
      if (jump !== null || video.currentTime < start) video.currentTime = Math.max(start, end - BEHIND_S);
      if (video.playbackRate !== rate) video.playbackRate = rate;
      if (video.paused) video.play().catch(() => undefined); // muted: no browser refuses it for long
      if (this.trim(KEPT_S)) return; // goes on when that is done
    }
    this.work();
  }

  private trim(keptS: number): boolean {
    const { buffer, video } = this;
    if (!buffer || buffer.updating || buffer.buffered.length === 0) return false;
    const start = buffer.buffered.start(0);
    if (video.currentTime - start < 2 * keptS) return false;
    buffer.remove(start, video.currentTime - keptS);
    return true;
  }

  private fail(): void {
    this.close();
    this.onFailure();
    const { last } = this;
    if (last) this.again = setTimeout(() => this.begin(last.init, last.data), AGAIN_MS);
  }
}
