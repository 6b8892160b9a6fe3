// Plays up to sixteen cameras on one clock. What to do is decided in decide.ts; here it is done. Invariant: the clock
// is the only time there is: every tile is brought to it, and none of them moves it.

import type { Failure } from '../../shared/api/routes';
import { createStore } from '../../shared/store';
import { HOUR, SECOND, type Instant } from '../../shared/time/instant';
import { FrameSteps } from '../frame-times';
import { clockAt, movedTo, running, timeOf, withSpeed, type PlayClock } from './clock';
import { aimAt, wayFor, type Way } from './decide';
import { KeyframePlay } from './keyframe-play';
import { FootageStream } from './stream';
import { PlayedTile, type TileState } from './tile';
import type { TileMessage } from './footage-messages';

export interface TogetherState {
  at: Instant;
  clock: PlayClock;
  /** What is wanted; `waits`: the clock stands until footage has come. */
  playing: boolean;
  waits: boolean;
  speed: number;
  way: Way;
  /** Why not every frame is shown at a speed at which it would be. */
  whyKeyframes: 'thin' | 'speed' | null;
  /** Nothing more is known: the newest footage has been played. */
  edge: boolean;
  failure: Failure | 'offline' | null;
  tiles: TileState[];
}

/** Of footage beyond the clock, at 1×. */
const AHEAD_MS = 20 * SECOND;
const LOOK_MS = 100;
/** A tile that does not come is waited for so long. */
const PATIENCE_MS = 4 * SECOND;
/** The clock has had to wait so often lately: the line is too thin for every frame. */
const STALLS = 3;
const LATELY_MS = 30 * SECOND;
const BEHIND_ORIGIN_MS = 48 * HOUR;
const LONGEST_FROM_ORIGIN_MS = 300 * 24 * HOUR;
const DEFAULT_FPS = 25;
/** Shorter waits are the tile's own affair: it catches up. */
const HICCUP_MS = 500;
const RETRY_MS = 2 * SECOND;
/** Cameras that record now end within so much of each other. */
const TOGETHER_MS = 15 * SECOND;
const STILLS_MS = SECOND;

export class TogetherPlayer {
  readonly state = createStore<TogetherState>({
    at: 0,
    clock: clockAt(0, 0),
    playing: false,
    waits: false,
    speed: 1,
    way: 'frames',
    whyKeyframes: null,
    edge: false,
    failure: null,
    tiles: [],
  });
  readonly tiles: PlayedTile[];
  private clock: PlayClock;
  private origin: Instant = 0;
  private loadedFrom: Instant = Infinity;
  private readonly stream: FootageStream;
  private readonly byKeyframes: KeyframePlay;
  private readonly timer: ReturnType<typeof setInterval>;
  private wants = false;
  private waitsSince: number | null = null;
  private stalls: number[] = [];
  private thin = false;
  /** Tiles that were waited for long enough: they come when they come. */
  private readonly excused = new Set<PlayedTile>();
  private isScrubbing = false;
  private drawn = 0;
  private stillAt: Instant | null = null;
  private failure: Failure | 'offline' | null = null;
  private retryAt = 0;
  private question = 0;
  private readonly times = new FrameSteps();

  constructor(
    private readonly cameras: readonly string[],
    elements: ReadonlyArray<{ video: HTMLVideoElement; canvas: HTMLCanvasElement }>,
    at: Instant,
    /** The server's present time. */
    private readonly now: () => Instant,
    /** Whether the coverage that is known says that there is no footage then. */
    isGap: (camera: string, at: Instant) => boolean,
  ) {
    this.clock = clockAt(at, performance.now());
    this.tiles = elements.map(({ video, canvas }, i) => new PlayedTile(cameras[i]!, video, canvas));
    this.stream = new FootageStream(
      cameras,
      { onMessage: (message) => this.take(message), onEnd: (failure) => this.ended(failure) },
      () => this.reach() > this.at + AHEAD_MS * Math.max(1, this.clock.speed),
    );
    this.byKeyframes = new KeyframePlay(this.tiles, isGap);
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.seek(at);
  }

  destroy(): void {
    this.question += 1;
    clearInterval(this.timer);
    cancelAnimationFrame(this.drawn);
    this.stream.close();
    this.byKeyframes.stop();
    for (const tile of this.tiles) tile.close();
  }

  get at(): Instant {
    return timeOf(this.clock, performance.now());
  }

  get way(): Way {
    if (this.thin && this.clock.speed > 0) return 'keyframes';
    return wayFor(this.clock.speed, this.tiles.length, Math.max(...this.tiles.map((t) => t.fps ?? DEFAULT_FPS)));
  }

  /** While the clock stands every tile shows its exact frame, whatever the speed. */
  private get goesByKeyframes(): boolean {
    return this.wants && this.way === 'keyframes';
  }

  /** Every tile shows that moment, or says why it can't. */
  seek(at: Instant, aim: Instant = at): void {
    this.question += 1;
    this.byKeyframes.stop();
    this.clock = movedTo(running(this.clock, false, performance.now()), Math.min(at, this.now()), performance.now());
    this.failure = null;
    this.scrubs(false);
    this.excused.clear();
    this.stillAt = null;
    for (const tile of this.tiles) tile.aim(aim);
    this.waitsSince = this.wants ? performance.now() : null;
    if (!this.goesByKeyframes && !this.isLoaded(this.at)) this.loadFrom(this.at);
    this.look();
  }

  /** While a hand moves over the timeline: keyframes alone, as fast as they come. */
  scrub(at: Instant): void {
    this.clock = movedTo(running(this.clock, false, performance.now()), Math.min(at, this.now()), performance.now());
    this.scrubs(true);
    this.byKeyframes.show(this.at);
    this.publish();
  }

  private scrubs(is: boolean): void {
    this.isScrubbing = is;
    for (const tile of this.tiles) {
      tile.isScrubbed = is;
      if (is) tile.rest();
    }
  }

  play(): void {
    this.wants = true;
    this.waitsSince = performance.now();
    if (this.failure) this.seek(this.at);
    else this.look();
  }

  pause(): void {
    this.wants = false;
    this.waitsSince = null;
    this.clock = running(this.clock, false, performance.now());
    if (this.byKeyframes.isOn) this.seek(this.at);
    for (const tile of this.tiles) tile.aim(this.at);
    this.look();
  }

  toggle(): void {
    if (this.wants) this.pause();
    else this.play();
  }

  setSpeed(speed: number): void {
    const before = this.way;
    this.thin = false;
    this.stalls = [];
    this.clock = withSpeed(this.clock, speed, performance.now());
    this.byKeyframes.stop();
    if (before !== this.way || !this.goesByKeyframes) this.seek(this.at);
    this.look();
  }

  /** To the frame after or before the one that this tile shows, by its own times. False: there is none near. */
  async step(tile: number, by: 1 | -1): Promise<boolean> {
    const camera = this.cameras[tile];
    if (camera === undefined) return false;
    if (this.wants) this.pause();
    const question = (this.question += 1);
    const found = await this.times.beside(camera, this.at, by, this.now());
    if (question !== this.question || !found) return false;
    this.seek(found.frame, aimAt(found.times, found.frame));
    return true;
  }

  /** Sound of one tile, on or off: each by itself, as several may be wanted. */
  hear(tile: number, is: boolean): void {
    this.tiles[tile]?.hear(is);
    this.publish();
  }

  private loadFrom(at: Instant): void {
    if (at - this.origin < 0 || at - this.origin > LONGEST_FROM_ORIGIN_MS || this.origin === 0) {
      this.origin = Math.max(Math.floor((at - BEHIND_ORIGIN_MS) / SECOND) * SECOND, 0);
      for (const tile of this.tiles) tile.restart(this.origin);
    } else for (const tile of this.tiles) tile.forget();
    for (const tile of this.tiles) tile.reach = at;
    this.loadedFrom = at;
    this.stream.open(at, this.origin);
  }

  /** How far all tiles have come that still come; of those that have all ended, the newest ones. */
  private reach(): Instant {
    const coming = this.tiles.filter((tile) => !tile.ended);
    if (coming.length > 0) return Math.min(...coming.map((tile) => tile.reach));
    const last = Math.max(...this.tiles.map((tile) => tile.reach));
    return Math.min(...this.tiles.map((tile) => tile.reach).filter((reach) => reach > last - TOGETHER_MS));
  }

  /** Whether all of that moment and of what follows is here: stretches apart from each other are no use. */
  private isLoaded(at: Instant): boolean {
    return at >= this.loadedFrom && this.tiles.every((tile) => tile.reach >= at && tile.has(at));
  }

  private take(message: TileMessage): void {
    this.tiles[message.tile]?.take(message);
  }

  private ended(failure: Failure | 'offline' | null): void {
    this.failure = failure;
    this.retryAt = performance.now() + (failure === null ? RETRY_MS : 2 * RETRY_MS);
    this.look();
  }

  private look(): void {
    const now = performance.now();
    if (this.isScrubbing) return;
    if (this.goesByKeyframes) {
      this.stream.close();
      for (const tile of this.tiles) {
        tile.rest();
        tile.isScrubbed = true;
      }
      this.clock = this.byKeyframes.look(this.clock, now, this.now());
      this.drawn ||= requestAnimationFrame(this.draw);
    } else this.lookByFrames(now);
    this.publish();
  }

  /** Keyframes change with the screen, not with the looks: at 64x a tenth of a second is six seconds of footage. */
  private readonly draw = (): void => {
    this.drawn = 0;
    if (!this.goesByKeyframes || this.isScrubbing || !this.byKeyframes.isOn) return;
    this.byKeyframes.paint(this.at);
    this.drawn = requestAnimationFrame(this.draw);
  };

  private lookByFrames(now: number): void {
    const at = timeOf(this.clock, now);
    this.more(now, at);
    const { speed, runs } = this.clock;
    const holds = this.tiles.filter((tile) => {
      const isHeld = tile.look(at, speed, runs);
      if (!isHeld) this.excused.delete(tile);
      return isHeld && !this.excused.has(tile);
    });
    this.stills(at);
    if (runs && this.isAtEdge(at)) this.clock = running(this.clock, false, now);
    if (!this.wants) return;
    if (holds.length === 0) {
      this.waitsSince = null;
      if (!runs && !this.isAtEdge(at)) this.clock = running(this.clock, true, now);
      return;
    }
    this.waitsSince ??= now;
    if (now - this.waitsSince > PATIENCE_MS) {
      for (const tile of holds) this.excused.add(tile);
      this.waitsSince = null;
    } else if (runs && now - this.waitsSince > HICCUP_MS) {
      this.clock = running(this.clock, false, now);
      this.stalls = [...this.stalls.filter((t) => now - t < LATELY_MS), now];
      if (this.stalls.length > STALLS) this.thin = true;
    }
  }

  /** Lets more come where the clock needs it: the answer goes on, or another begins where all have come to. */
  private more(now: number, at: Instant): void {
    this.stream.look();
    if (this.stream.isOpen || now < this.retryAt || this.origin === 0) return;
    const isHopeless = this.failure !== null && this.failure !== 'offline' && this.failure.status < 500;
    const reach = this.reach();
    if (isHopeless || reach > at + (AHEAD_MS / 2) * Math.max(1, this.clock.speed) || reach > this.now() - 500) return;
    this.retryAt = now + RETRY_MS;
    this.failure = null;
    for (const tile of this.tiles) tile.ended = false;
    const from = Math.max(reach, at - 1);
    if (from > reach) this.loadedFrom = from;
    this.stream.open(from, this.origin);
  }

  /** Tiles that this browser can't decode show keyframes that the server has decoded. */
  private stills(at: Instant): void {
    const blind = this.tiles.filter((tile) => tile.undecodable !== null);
    if (blind.length === 0 || (this.stillAt !== null && Math.abs(at - this.stillAt) < STILLS_MS)) return;
    this.stillAt = at;
    for (const tile of blind) tile.still(Math.round(at));
  }

  private isAtEdge(at: Instant): boolean {
    const reach = Math.max(...this.tiles.map((tile) => tile.reach));
    return (
      at >= this.now() - 500 ||
      (this.tiles.every((tile) => tile.ended) && at >= reach && reach > this.now() - TOGETHER_MS)
    );
  }

  private publish(): void {
    const at = this.at;
    const way = this.way;
    this.state.set({
      at,
      clock: this.clock,
      playing: this.wants,
      waits: this.wants && !this.clock.runs,
      speed: this.clock.speed,
      way,
      whyKeyframes: way === 'frames' ? null : this.thin ? 'thin' : 'speed',
      edge: this.isAtEdge(at),
      failure: this.failure,
      tiles: this.tiles.map((tile) => tile.state(at)),
    });
  }
}
