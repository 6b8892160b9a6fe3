// One of several cameras: its video, the canvas over it, and what is known of its footage. Invariant: the canvas is
// seen only while it shows what the clock means and the video does not.

import type { Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import { holdsClock, joinedWith, tileAction, within, type TileLook } from './decide';
import type { TileMessage } from './footage-messages';
import { canPlay, MediaTile } from './media-tile';
import { KeyframeCanvas } from './painter';
import type { KeyframePicture } from './keyframes';

/** What is shown to the end of what is known is shown within so much of it. */
const EDGE_MS = 300;

/** A picture of another time than this far from the clock is no picture of it. */
const FAR_MS = 2000;

/** A browser that paints a later frame than it was told to is told again, so many times. */
const MOST_PLACINGS = 3;

export type Shows = 'picture' | 'gap' | 'lost' | 'waiting';

export interface TileState {
  camera: string;
  shows: Shows;
  /** How the picture came: every frame, or keyframes decoded here, or by the server. */
  how: 'frames' | 'keyframes' | 'server';
  /** When the picture that is seen began to be shown, as far as the browser says. */
  pictureAt: Instant | null;
  /** The codec that this browser can't play, if that is so. */
  undecodable: string | null;
  /** Whether its footage has sound, and whether that is heard. */
  hasSound: boolean;
  isHeard: boolean;
}

export class PlayedTile {
  readonly media: MediaTile;
  readonly keyframe: KeyframeCanvas;
  /** Until when all has come, footage or none. */
  reach: Instant = 0;
  nothing: Bounds[] = [];
  fps: number | null = null;
  undecodable: string | null = null;
  private hasSound = false;
  /** Nothing more comes of it in the answer that is read now. */
  ended = false;
  /** Keyframes are shown, whatever the video has. */
  isScrubbed = false;
  private codec = '';
  private isBlank = false;
  private lost: Bounds[] = [];
  private origin: Instant = 0;
  private target: Instant | null = null;
  /** Whether the video was told of the target: one that is paused shows what was painted last, wherever it says it is.
   * */
  private isPlaced = false;
  private placings = 0;
  private placedAt: Instant = 0;
  /** The frame that was painted since, by when it begins. */
  private paintedSince: Instant | null = null;
  private shownAt: Instant | null = null;
  private dead = false;

  constructor(
    readonly camera: string,
    private readonly video: HTMLVideoElement,
    canvas: HTMLCanvasElement,
  ) {
    this.media = new MediaTile(video, 0);
    // What the browser fails at is shown as the server decodes it, and does not hold the clock.
    this.media.onFailure(() => (this.undecodable = this.codec));
    this.keyframe = new KeyframeCanvas(canvas);
    canvas.hidden = true;
    this.watch();
  }

  /** The moment to show while the clock stands: within the frame that is meant. */
  aim(target: Instant): void {
    this.target = target;
    this.isPlaced = false;
    this.placings = 0;
  }

  take(message: TileMessage): void {
    switch (message.kind) {
      case 'init':
        this.codec = message.init.video;
        this.undecodable = canPlay(message.init) ? null : this.codec;
        this.hasSound = message.init.audio !== null;
        if (message.data && this.undecodable === null) this.media.append(message.init, message.data);
        break;
      case 'fragment':
        if (this.undecodable === null) this.media.append(null, message.data);
        this.reach = Math.max(this.reach, message.end);
        break;
      case 'gap':
      case 'lost':
        this.nothing = joinedWith(this.nothing, message).slice(-500);
        if (message.kind === 'lost') this.lost = joinedWith(this.lost, message).slice(-500);
        this.reach = Math.max(this.reach, message.end);
        break;
      case 'end':
        this.ended = true;
        break;
      case 'keyframe':
        break;
    }
  }

  /** Whether that moment is here, as a picture or as its absence. */
  has(at: Instant): boolean {
    return this.undecodable !== null || within(this.nothing, at) !== null || within(this.media.buffered(), at) !== null;
  }

  /** Brings the picture to the clock. True: the clock has to wait for it. */
  look(at: Instant, speed: number, runs: boolean): boolean {
    if (this.undecodable !== null || this.isScrubbed) return false;
    // What is appended over what is shown can make Chromium paint the wrong one of them.
    const isAhead = this.paintedSince !== null && this.paintedSince > this.placedAt + 1;
    if (!runs && this.isPlaced && isAhead && this.placings < MOST_PLACINGS) this.isPlaced = false;
    const look: TileLook = {
      clock: runs ? at : (this.target ?? at),
      speed,
      runs,
      position: runs || this.isPlaced ? this.media.position : null,
      buffered: this.media.buffered(),
      nothing: this.nothing,
      seeking: this.media.isSeeking,
    };
    const action = tileAction(look);
    if (action.do === 'seek') {
      this.media.seek(action.to);
      this.isPlaced = true;
      this.placings += 1;
      this.placedAt = action.to;
      this.paintedSince = null;
    }
    if (action.do === 'go' && runs) {
      this.media.go(action.rate);
      this.target = null;
    } else this.media.rest();
    if (action.do === 'gap' || (action.do === 'go' && !look.seeking && look.position !== null)) this.uncover();
    if (this.ended && at >= this.reach - EDGE_MS) return false;
    return holdsClock({ ...look, runs: true }, this.media.canGoOn);
  }

  rest(): void {
    this.media.rest();
  }

  /** Nobody hears a tile that was not asked for. */
  hear(is: boolean): void {
    this.video.muted = !is;
  }

  /** A keyframe over the video. */
  cover(picture: KeyframePicture): void {
    this.isBlank = false;
    void this.keyframe.show(picture).then(() => {
      if (this.keyframe.shown && !this.keyframe.canvas.hidden) this.shownAt = this.keyframe.shown.start;
    });
    this.keyframe.canvas.hidden = false;
  }

  /** What this browser can't decode, as the server has decoded it. */
  still(at: Instant): void {
    if (within(this.nothing, at)) return this.blank();
    this.isBlank = false;
    this.keyframe.canvas.hidden = false;
    this.keyframe.still(this.camera, at).then(
      (start) => {
        if (start !== null) this.shownAt = start;
      },
      () => undefined, // the one before stays, with its time
    );
  }

  /** No footage then: no picture of another time. */
  blank(): void {
    this.isBlank = true;
  }

  uncover(): void {
    this.isBlank = false;
    this.keyframe.canvas.hidden = true;
  }

  forget(): void {
    this.media.forget();
    this.ended = false;
  }

  restart(origin: Instant): void {
    this.origin = origin;
    this.nothing = [];
    this.lost = [];
    this.ended = false;
    this.media.restart(origin);
  }

  close(): void {
    this.dead = true;
    this.media.close();
    this.keyframe.close();
  }

  state(at: Instant): TileState {
    const isCovered = !this.keyframe.canvas.hidden;
    const gap = isCovered || this.isBlank ? this.isBlank : within(this.nothing, at) !== null;
    const { position } = this.media;
    const isNear = position !== null && Math.abs(position - (this.target ?? at)) < FAR_MS;
    const isShown = isCovered ? this.keyframe.by !== null : isNear && !this.media.isSeeking;
    return {
      camera: this.camera,
      shows: gap ? (within(this.lost, at) ? 'lost' : 'gap') : isShown ? 'picture' : 'waiting',
      how: !isCovered ? 'frames' : this.keyframe.by === 'server' ? 'server' : 'keyframes',
      pictureAt: this.shownAt,
      undecodable: this.undecodable,
      hasSound: this.hasSound && this.undecodable === null,
      isHeard: !this.video.muted,
    };
  }

  /** The browser says of each picture when it begins; the first of a second also how many come. */
  private watch(): void {
    if (!('requestVideoFrameCallback' in this.video)) return;
    let before: number | null = null;
    const shown = (_: number, what: VideoFrameCallbackMetadata): void => {
      if (this.dead) return;
      if (this.keyframe.canvas.hidden) this.shownAt = this.origin + what.mediaTime * 1000;
      if (!this.media.isSeeking) this.paintedSince = this.origin + what.mediaTime * 1000;
      const step = before === null ? 0 : what.mediaTime - before;
      if (step > 0.005 && step < 1) this.fps = this.fps === null ? 1 / step : this.fps * 0.9 + 0.1 / step;
      before = what.mediaTime;
      this.video.requestVideoFrameCallback(shown);
    };
    this.video.requestVideoFrameCallback(shown);
  }
}
