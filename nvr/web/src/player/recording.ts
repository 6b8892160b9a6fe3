// Plays recorded footage of one camera by wall clock, one window (playlist) at a time. Invariant: `entries` always
// belong to the window that is loaded; callbacks of an older window are dropped by `generation`.

import type Hls from 'hls.js';
import { playlistUrl } from '../shared/api/client';
import { serverNow } from '../session';
import type { Instant } from '../shared/time/instant';
import type { Bounds } from '../timeline/geometry';
import { entriesOf, loadHls, playsNatively, type HlsClass } from './hls';
import type { FrameHold } from './hold';
import { footageEnd, positionAt, wallAt, type Entry } from './mapping';
import { askWhy, codecOf, isCodecError, type Trouble } from './trouble';
import { remembering } from './memory';
import { windowAround, windowFrom } from './window';

export interface RecordingEvents {
  onTime(wall: Instant): void;
  /** A new window is attached. Attaching pauses the element, so whoever wants it to play starts it now. */
  onReady(): void;
  /** hls.js jumped over something, from and to. */
  onSkipped(from: Instant, to: Instant): void;
  /** The window's footage has been played up to this moment. */
  onEnd(wall: Instant): void;
  onTrouble(trouble: Trouble): void;
}

export class RecordingPlayer {
  private hls: Hls | null = null;
  private entries: Entry[] = [];
  private generation = 0;
  private target: Instant | null = null;
  private lastWall: Instant | null = null;
  private ownSeek = false;
  private ended = false;
  private recovered = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly hold: FrameHold,
    private readonly camera: string,
    private readonly events: RecordingEvents,
  ) {
    video.addEventListener('timeupdate', this.onTimeUpdate);
    video.addEventListener('seeked', this.onSeeked);
    video.addEventListener('ended', this.onEnded);
    video.addEventListener('waiting', this.onWaiting);
  }

  /** Shows the picture of that moment; loads another window only if the present one doesn't reach it. */
  seek(wall: Instant): void {
    const end = footageEnd(this.entries);
    const first = this.entries[0];
    const position = positionAt(this.entries, wall);
    if (this.generation > 0 && end && first && position !== null && wall >= first.wall && wall < end.wall) {
      this.target = null;
      this.ownSeek = true;
      this.ended = false;
      this.video.currentTime = position;
    } else {
      void this.load(windowAround(wall, serverNow()), wall);
    }
  }

  /** Goes on where the last window ended. */
  continueFrom(wall: Instant): void {
    void this.load(windowFrom(wall, serverNow()), wall);
  }

  /** Lets go of the video element, for live. */
  stop(): void {
    this.generation += 1;
    this.entries = [];
    this.target = null;
    this.hls?.destroy();
    this.hls = null;
  }

  destroy(): void {
    this.stop();
    this.video.removeEventListener('timeupdate', this.onTimeUpdate);
    this.video.removeEventListener('seeked', this.onSeeked);
    this.video.removeEventListener('ended', this.onEnded);
    this.video.removeEventListener('waiting', this.onWaiting);
  }

  private async load(window: Bounds, wall: Instant): Promise<void> {
    this.hold.hold();
    this.stop();
    const generation = this.generation;
    this.target = wall;
    this.lastWall = null;
    this.ended = false;
    this.recovered = false;
    this.ownSeek = true;
    const url = playlistUrl(this.camera, window.start, window.end);
    let hlsClass: HlsClass;
    try {
      hlsClass = await loadHls();
    } catch {
      if (generation === this.generation) this.events.onTrouble({ kind: 'offline' });
      return;
    }
    if (generation !== this.generation) return;
    if (hlsClass.isSupported()) this.attach(hlsClass, url, generation);
    else if (playsNatively(this.video)) this.attachNative(url, window, generation);
    else this.events.onTrouble({ kind: 'no-mse' });
  }

  private attach(hlsClass: HlsClass, url: string, generation: number): void {
    const hls = new hlsClass({
      autoStartLoad: false, // loading starts at the moment asked for, which is known once the playlist is
      enableWorker: false,
      maxBufferLength: 40,
      maxMaxBufferLength: 120,
      backBufferLength: 90,
      fLoader: remembering(hlsClass),
    });
    this.hls = hls;
    const { Events } = hlsClass;
    const current = () => generation === this.generation;
    hls.on(Events.LEVEL_LOADED, (_event, data) => {
      if (!current()) return;
      this.entries = entriesOf(data.details);
      if (this.target === null) return;
      const end = footageEnd(this.entries);
      if (!end || this.target >= end.wall) {
        this.finish(this.target);
        return;
      }
      hls.startLoad(positionAt(this.entries, this.target) ?? 0);
      this.target = null;
      this.events.onReady();
    });
    // Positions move by milliseconds when hls.js learns a fragment's real times.
    hls.on(Events.LEVEL_PTS_UPDATED, (_event, data) => {
      if (current()) this.entries = entriesOf(data.details);
    });
    hls.on(Events.ERROR, (_event, data) => {
      if (!current()) return;
      if (isCodecError(data)) this.fail({ kind: 'codec', codec: codecOf(data) });
      else if (data.fatal) {
        if (data.type === hlsClass.ErrorTypes.MEDIA_ERROR && !this.recovered) {
          this.recovered = true;
          hls.recoverMediaError();
        } else if (data.type === hlsClass.ErrorTypes.NETWORK_ERROR) {
          const failed = data.url ?? data.frag?.url ?? url;
          void askWhy(failed).then((trouble) => current() && this.fail(trouble));
        } else this.fail({ kind: 'media' });
      }
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  private attachNative(url: string, window: Bounds, generation: number): void {
    const video = this.video as HTMLVideoElement & { getStartDate?: () => Date };
    video.src = url;
    video.addEventListener(
      'loadedmetadata',
      () => {
        if (generation !== this.generation) return;
        const start = video.getStartDate?.().getTime();
        const wall = start === undefined || Number.isNaN(start) ? window.start : start;
        this.entries = [{ position: 0, duration: video.duration, wall, gap: false }];
        if (this.target !== null) video.currentTime = positionAt(this.entries, this.target) ?? 0;
        this.target = null;
        this.events.onReady();
      },
      { once: true },
    );
    video.addEventListener(
      'error',
      () => {
        if (generation === this.generation) void askWhy(url).then((trouble) => this.fail(trouble));
      },
      { once: true },
    );
  }

  private fail(trouble: Trouble): void {
    this.stop();
    this.events.onTrouble(trouble);
  }

  private finish(wall: Instant): void {
    if (this.ended) return;
    this.ended = true;
    this.events.onEnd(wall);
  }

  private readonly onTimeUpdate = (): void => {
    if (this.entries.length === 0 || this.target !== null || this.video.seeking) return;
    const wall = wallAt(this.entries, this.video.currentTime);
    if (wall === null || this.ended) return;
    const before = this.lastWall;
    this.lastWall = wall;
    if (before !== null && !this.ownSeek && wall - before > 1500 * Math.max(1, this.video.playbackRate)) {
      this.events.onSkipped(before, wall);
    }
    this.events.onTime(wall);
    const end = footageEnd(this.entries);
    if (end && this.video.currentTime >= end.position - 0.05) this.finish(end.wall);
  };

  private readonly onSeeked = (): void => {
    if (this.ownSeek) {
      this.ownSeek = false;
      this.lastWall = null;
    }
    this.onTimeUpdate();
  };

  private readonly onEnded = (): void => {
    const end = footageEnd(this.entries);
    if (end) this.finish(end.wall);
  };

  /** A trailing gap keeps the media from ending: the picture just stops a little before it. */
  private readonly onWaiting = (): void => {
    const end = footageEnd(this.entries);
    if (end && this.target === null && this.video.currentTime >= end.position - 0.6) this.finish(end.wall);
  };
}
