// What the viewer is watching: live or a moment of the past, and why there is no picture when there is none.
// Invariant: when `stop` is not null no picture is promised, and `stop` says why in terms the page has words for.

import * as api from '../shared/api/client';
import {
  footageBefore,
  footageFrom,
  gapsBetween,
  momentAt,
  readCoverage,
  type DayCoverage,
  type GapAt,
} from '../timeline/day-coverage';
import { serverNow } from '../session';
import { HOUR, type Instant } from '../shared/time/instant';
import type { Bounds } from '../timeline/geometry';
import { createStore } from '../shared/store';
import { FrameSteps } from './frame-times';
import { FrameHold } from './hold';
import { LivePlayer } from './live';
import { RecordingPlayer } from './recording';
import { aimAt } from './together/decide';
import type { Trouble } from './trouble';

export type Stop =
  | { kind: 'gap'; at: Instant; gap: GapAt; asOf: Instant }
  | { kind: 'not-yet'; at: Instant }
  | { kind: 'edge'; at: Instant }
  | { kind: 'blocked' }
  | { kind: 'trouble'; trouble: Trouble };

export interface PlaybackState {
  mode: 'live' | 'recording';
  /** Wall clock of the picture, or of the moment asked for. */
  at: Instant | null;
  playing: boolean;
  loading: boolean;
  muted: boolean;
  speed: number;
  latencyS: number | null;
  livePicture: boolean;
  stop: Stop | null;
  /** The gaps that playback has just passed over, for a word about it. */
  skipped: GapAt[] | null;
}

export const SPEEDS = [0.5, 1, 2, 4, 8] as const;
const SKIP_NOTICE_MS = 6000;
/** The server answers for at most 400 days at once. */
const LONGEST = 399 * 24 * HOUR;
/** Nearer to now than this there is nothing to load that live would not show better. */
const EDGE_MS = 6000;

export class Playback {
  readonly state = createStore<PlaybackState>({
    mode: 'recording',
    at: null,
    playing: false,
    loading: false,
    muted: true,
    speed: 1,
    latencyS: null,
    livePicture: false,
    stop: null,
    skipped: null,
  });
  private readonly hold: FrameHold;
  private readonly recording: RecordingPlayer;
  private readonly live: LivePlayer;
  private wantPlaying = true;
  private cameraIsHere = true;
  private readonly times = new FrameSteps();
  private stepping: Promise<void> = Promise.resolve();
  private question = 0;
  /** A seek has been asked for, and what is there is not known yet. */
  private settling = false;
  private notice: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly video: HTMLVideoElement,
    canvas: HTMLCanvasElement,
    private readonly camera: string,
    /** The coverage on screen, which saves asking again for most seeks. */
    private readonly shown: () => DayCoverage | null,
    /** The civil day around a moment: what is asked for when the coverage on screen is another day's. */
    private readonly dayAround: (at: Instant) => Bounds,
  ) {
    this.hold = new FrameHold(video, canvas);
    video.muted = true; // browsers refuse to start a picture with sound that nobody asked for
    this.recording = new RecordingPlayer(video, this.hold, camera, {
      // The element still tells where it was after a seek has begun elsewhere, or into a gap.
      onTime: (at) => {
        if (!this.settling && this.state.get().stop === null) this.set({ at, loading: false });
      },
      onReady: () => this.resume(),
      onSkipped: (from, to) => this.passed(from, to),
      onEnd: (at) => void this.goOn(at),
      onTrouble: (trouble) => this.set({ stop: { kind: 'trouble', trouble }, loading: false }),
    });
    this.live = new LivePlayer(video, this.hold, camera, {
      onTime: (at, latencyS) => this.set(at === null ? { latencyS } : { at, latencyS }),
      onPicture: () => this.set({ livePicture: true, loading: false, stop: null }),
      onTrouble: (trouble) =>
        this.set({ livePicture: false, loading: false, latencyS: null, stop: { kind: 'trouble', trouble } }),
      onBlocked: () => this.set({ stop: { kind: 'blocked' }, loading: false }),
    });
    for (const event of ['play', 'pause', 'waiting', 'playing', 'seeking', 'seeked', 'volumechange'] as const)
      video.addEventListener(event, this.onMedia);
  }

  destroy(): void {
    this.question += 1;
    clearTimeout(this.notice);
    this.live.stop();
    this.recording.destroy();
    this.hold.destroy();
    for (const event of ['play', 'pause', 'waiting', 'playing', 'seeking', 'seeked', 'volumechange'] as const)
      this.video.removeEventListener(event, this.onMedia);
  }

  goLive(): void {
    this.question += 1;
    this.wantPlaying = true;
    this.recording.stop();
    this.video.defaultPlaybackRate = 1;
    this.set({ mode: 'live', stop: null, loading: true, livePicture: false, latencyS: null, speed: 1, skipped: null });
    this.live.start();
    if (!this.cameraIsHere) this.cameraRecords(false);
  }

  /** The camera's status says whether it records, which decides whether live is worth asking for. */
  cameraRecords(recording: boolean): void {
    this.cameraIsHere = recording;
    if (this.state.get().mode !== 'live') return;
    if (recording) this.live.hurry();
    else {
      this.live.rest();
      this.set({ livePicture: false, loading: false });
    }
  }

  /** The camera's present codec is one this browser can't decode: live is hopeless, older footage may not be. */
  refuse(codec: string): void {
    if (this.state.get().mode !== 'live') return;
    this.live.stop();
    this.set({ stop: { kind: 'trouble', trouble: { kind: 'codec', codec } }, loading: false, livePicture: false });
  }

  /** Shows that moment, or says why it can't be shown. Keeps playing if it was, unless `play` says otherwise. */
  async seek(at: Instant, play?: boolean): Promise<void> {
    const question = this.enterRecording(at, play);
    let coverage: DayCoverage;
    try {
      coverage = await this.dayCoverage(at);
    } catch {
      if (question === this.question)
        this.set({ loading: false, stop: { kind: 'trouble', trouble: { kind: 'offline' } } });
      return;
    }
    if (question !== this.question) return;
    this.settling = false;
    const moment = momentAt(coverage, at);
    if (moment.kind === 'footage') {
      this.recording.seek(at);
      this.resume();
    } else {
      this.video.pause();
      this.set({
        loading: false,
        stop:
          moment.kind === 'gap' ? { kind: 'gap', at, gap: moment.gap, asOf: coverage.asOf } : { kind: 'not-yet', at },
      });
    }
  }

  skip(seconds: number): void {
    const { at } = this.state.get();
    if (at !== null) void this.seek(Math.min(at + seconds * 1000, serverNow()));
  }

  /** From a gap to where footage goes on. False if it doesn't. */
  async nextFootage(from: Instant): Promise<boolean> {
    const shown = this.shown();
    const here = shown && from >= shown.start && from < shown.known ? footageFrom(shown, from) : null;
    const next =
      here ??
      footageFrom(
        readCoverage(
          await api.coverage(this.camera, from, Math.max(Math.min(serverNow(), from + LONGEST), from + 1000)),
        ),
        from,
      );
    if (next === null) return false;
    await this.seek(next, true);
    return true;
  }

  /** To the last ten seconds before a gap. */
  async lastFootage(before: Instant): Promise<boolean> {
    const shown = this.shown();
    let found = shown && before > shown.start && before <= shown.end ? footageBefore(shown, before) : null;
    // Footage may end days before; looking back in growing steps keeps the usual answer small.
    for (let reach = 24 * HOUR; !found && reach <= LONGEST; reach *= 4) {
      found = footageBefore(readCoverage(await api.coverage(this.camera, before - reach, before)), before);
    }
    if (!found) return false;
    await this.seek(Math.max(found.start, found.end - 10_000), true);
    return true;
  }

  toggle(): void {
    if (this.state.get().playing) this.pause();
    else this.play();
  }

  play(): void {
    const { mode, at, stop } = this.state.get();
    this.wantPlaying = true;
    if (mode === 'live') this.goLive();
    else if (stop && at !== null) void this.seek(at, true);
    else this.resume();
  }

  pause(): void {
    this.wantPlaying = false;
    this.video.pause();
  }

  /** To the frame after or before the one that is shown, by the frames' own times. */
  step(by: 1 | -1): Promise<void> {
    if (this.state.get().mode !== 'recording') return Promise.resolve();
    this.pause();
    // One after the other: a key that is held asks faster than the server answers.
    this.stepping = this.stepping.then(() => this.stepOnce(by));
    return this.stepping;
  }

  private async stepOnce(by: 1 | -1): Promise<void> {
    const { at, mode } = this.state.get();
    if (at === null || mode !== 'recording') return;
    try {
      const found = await this.times.beside(this.camera, at, by, serverNow());
      if (found) await this.seek(aimAt(found.times, found.frame));
    } catch {
      this.set({ stop: { kind: 'trouble', trouble: { kind: 'offline' } } });
    }
  }

  setSpeed(speed: number): void {
    this.video.defaultPlaybackRate = speed; // loading a new window resets the rate to this
    this.video.playbackRate = speed;
    this.set({ speed });
  }

  setMuted(muted: boolean): void {
    this.video.muted = muted;
  }

  private set(change: Partial<PlaybackState>): void {
    this.state.set({ ...this.state.get(), ...change });
  }

  private enterRecording(at: Instant, play?: boolean): number {
    this.question += 1;
    this.settling = true;
    if (play !== undefined) this.wantPlaying = play;
    if (this.state.get().mode === 'live') {
      this.hold.hold();
      this.live.stop();
    }
    this.set({ mode: 'recording', at, stop: null, loading: true, latencyS: null, livePicture: false, skipped: null });
    return this.question;
  }

  private resume(): void {
    if (!this.wantPlaying) return;
    this.video.playbackRate = this.state.get().speed;
    this.video.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.set({ stop: { kind: 'blocked' } });
    });
  }

  private async dayCoverage(at: Instant): Promise<DayCoverage> {
    const shown = this.shown();
    if (shown && at >= shown.start && at < shown.known) return shown;
    const day = this.dayAround(at);
    return readCoverage(await api.coverage(this.camera, day.start, day.end));
  }

  /**
   * A window has been played out: go on with the next footage, over a gap if there is one, or say that this is the end.
   */
  private async goOn(at: Instant): Promise<void> {
    const question = (this.question += 1);
    this.set({ at, loading: true });
    try {
      const now = serverNow();
      const coverage = now - at < EDGE_MS ? null : readCoverage(await api.coverage(this.camera, at, now));
      if (question !== this.question) return;
      const next = coverage && footageFrom(coverage, at);
      if (coverage && next !== null && now - next! > EDGE_MS / 2) {
        this.showSkipped(gapsBetween(coverage, at, next!));
        this.recording.continueFrom(next!);
        return;
      }
      this.video.pause();
      const gap = coverage?.gaps.find((g) => g.gap.open);
      this.set({
        loading: false,
        stop: gap && coverage ? { kind: 'gap', at: gap.start, gap, asOf: coverage.asOf } : { kind: 'edge', at },
      });
    } catch {
      if (question === this.question)
        this.set({ loading: false, stop: { kind: 'trouble', trouble: { kind: 'offline' } } });
    }
  }

  private passed(from: Instant, to: Instant): void {
    const shown = this.shown();
    if (shown) this.showSkipped(gapsBetween(shown, from, to));
  }

  private showSkipped(gaps: GapAt[]): void {
    if (gaps.length === 0) return;
    clearTimeout(this.notice);
    this.set({ skipped: gaps });
    this.notice = setTimeout(() => this.set({ skipped: null }), SKIP_NOTICE_MS);
  }

  private readonly onMedia = (event: Event): void => {
    const { video } = this;
    const change: Partial<PlaybackState> = { playing: !video.paused, muted: video.muted };
    if (event.type === 'waiting' || event.type === 'seeking') change.loading = this.state.get().stop === null;
    else if (event.type === 'playing' || event.type === 'seeked') change.loading = false;
    this.set(change);
  };
}
