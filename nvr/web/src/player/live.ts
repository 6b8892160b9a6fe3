// The live picture of one camera. It never gives up: whatever ends it, it tries again, sooner when the camera is known
// to be back.

import type Hls from 'hls.js';
import { liveUrl } from '../shared/api/client';
import { serverNow } from '../session';
import type { Instant } from '../shared/time/instant';
import { loadHls, playsNatively, type HlsClass } from './hls';
import type { FrameHold } from './hold';
import { askWhy, codecOf, isCodecError, type Trouble } from './trouble';

export interface LiveEvents {
  /** A picture of that wall-clock moment is on screen, `latencyS` seconds after it happened. */
  onTime(wall: Instant | null, latencyS: number | null): void;
  onPicture(): void;
  onTrouble(trouble: Trouble): void;
  onBlocked(): void;
}

/**
 * Seconds to stay behind the newest part's end: parts of so many seconds are seen up to half a second late, as
 * recorders read twice a second. Short ones are of a recorder that is quick because somebody watches.
 */
export function syncS(partS: number): number {
  return partS > 0 && partS <= 0.25 ? 0.5 : Math.max(0.5, partS) + 0.8;
}

const STUCK_MS = 8000;

export class LivePlayer {
  private hls: Hls | null = null;
  private wanted = false;
  private generation = 0;
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private tick: ReturnType<typeof setInterval> | undefined;
  private movedAt = 0;
  private lastPosition = -1;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly hold: FrameHold,
    private readonly camera: string,
    private readonly events: LiveEvents,
  ) {}

  start(): void {
    this.wanted = true;
    this.attempt = 0;
    this.tick ??= setInterval(() => this.watch(), 500);
    void this.connect();
  }

  /** The camera is back: no need to sit out the pause between two attempts. */
  hurry(): void {
    if (this.wanted) this.start();
  }

  /** The camera is known to be away: asking for its picture every few seconds would only fill the log. */
  rest(): void {
    if (!this.wanted) return;
    this.hold.hold();
    this.release();
    this.events.onTime(null, null);
  }

  stop(): void {
    this.wanted = false;
    this.release();
    clearInterval(this.tick);
    this.tick = undefined;
  }

  private release(): void {
    this.generation += 1;
    clearTimeout(this.retry);
    this.hls?.destroy();
    this.hls = null;
  }

  private async connect(): Promise<void> {
    this.hold.hold();
    this.release();
    const generation = this.generation;
    const current = () => generation === this.generation;
    this.movedAt = performance.now();
    this.lastPosition = -1;
    let hlsClass: HlsClass;
    try {
      hlsClass = await loadHls();
    } catch {
      if (current()) this.again({ kind: 'offline' });
      return;
    }
    if (!current()) return;
    const url = liveUrl(this.camera);
    if (hlsClass.isSupported()) {
      const hls = new hlsClass({
        lowLatencyMode: true,
        liveSyncDuration: syncS(0),
        liveMaxLatencyDuration: 8,
        maxLiveSyncPlaybackRate: 1.5,
        backBufferLength: 20,
        enableWorker: false,
        manifestLoadPolicy: {
          default: { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 20000, timeoutRetry: null, errorRetry: null },
        },
      });
      this.hls = hls;
      hls.on(hlsClass.Events.MANIFEST_PARSED, () => current() && this.play());
      hls.on(hlsClass.Events.LEVEL_UPDATED, (_event, { details }) => {
        hls.config.liveSyncDuration = syncS(details.partTarget);
      });
      hls.on(hlsClass.Events.ERROR, (_event, data) => {
        if (!current()) return;
        if (isCodecError(data)) {
          this.stop(); // trying again would not teach the browser a codec
          this.events.onTrouble({ kind: 'codec', codec: codecOf(data) });
        } else if (data.fatal) {
          if (data.type === hlsClass.ErrorTypes.NETWORK_ERROR) {
            void askWhy(url).then((trouble) => current() && this.again(trouble));
          } else this.again({ kind: 'media' });
        }
      });
      hls.loadSource(url);
      hls.attachMedia(this.video);
    } else if (playsNatively(this.video)) {
      this.video.src = url;
      this.video.addEventListener('error', () => current() && void askWhy(url).then((trouble) => this.again(trouble)), {
        once: true,
      });
      this.play();
    } else this.events.onTrouble({ kind: 'no-mse' });
  }

  private play(): void {
    this.video.playbackRate = 1;
    this.video.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.events.onBlocked();
    });
  }

  private again(trouble: Trouble): void {
    this.release();
    this.events.onTrouble(trouble);
    if (!this.wanted) return;
    const pauseMs = Math.min(5000, 1000 * 2 ** this.attempt);
    this.attempt += 1;
    this.retry = setTimeout(() => void this.connect(), pauseMs);
  }

  private watch(): void {
    const { video, hls } = this;
    const now = performance.now();
    if (video.currentTime !== this.lastPosition && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      if (this.lastPosition >= 0) {
        this.attempt = 0;
        this.events.onPicture();
      }
      this.lastPosition = video.currentTime;
      this.movedAt = now;
    } else if (hls && !video.paused && !document.hidden && now - this.movedAt > STUCK_MS) {
      this.again({ kind: 'media' });
      return;
    }
    const date = hls?.playingDate;
    if (date) this.events.onTime(date.getTime(), Math.max(0, (serverNow() - date.getTime()) / 1000));
    else this.events.onTime(null, hls && hls.latency > 0 ? hls.latency : null);
  }
}
