// Draws keyframes on a canvas. By WebCodecs where the browser has it and can; else through a hidden video, since plain
// http has no WebCodecs (player.md); else, of a codec that this browser can't decode at all, the server makes a JPEG.
// Invariant: of several pictures asked for at once only the last is drawn, and none after a later one.

import { keyframePicture } from '../../shared/api/client';
import { formatInstant, parseInstant, type Instant } from '../../shared/time/instant';
import type { KeyframePicture } from './keyframes';
import { MediaTile, canPlay } from './media-tile';
import { oneSample, withoutSound } from './mp4';

export type PaintedBy = 'webcodecs' | 'mediasource' | 'server';

interface Painter {
  readonly by: PaintedBy;
  paint(picture: KeyframePicture, canvas: HTMLCanvasElement): Promise<void>;
  close(): void;
}

function draw(canvas: HTMLCanvasElement, source: CanvasImageSource, width: number, height: number): void {
  const most = canvas.dataset['width'] ? Number(canvas.dataset['width']) : width;
  const scale = Math.min(1, most / width);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  canvas.getContext('2d')?.drawImage(source, 0, 0, w, h);
}

class WebCodecsPainter implements Painter {
  readonly by = 'webcodecs';
  private decoder: VideoDecoder | null = null;
  private configured = '';
  private frame: VideoFrame | null = null;

  async paint(picture: KeyframePicture, canvas: HTMLCanvasElement): Promise<void> {
    if (!this.decoder || this.decoder.state === 'closed') {
      this.configured = '';
      this.decoder = new VideoDecoder({
        output: (frame) => {
          this.frame?.close();
          this.frame = frame;
        },
        error: () => undefined, // flush says it
      });
    }
    if (this.configured !== picture.init.id) {
      this.decoder.configure(webCodecsConfig(picture));
      this.configured = picture.init.id;
    }
    this.decoder.decode(
      new EncodedVideoChunk({
        type: 'key',
        timestamp: Math.round(picture.start * 1000),
        data: picture.data as BufferSource,
      }),
    );
    await this.decoder.flush();
    const { frame } = this;
    if (!frame) throw new Error('no picture came out');
    this.frame = null;
    draw(canvas, frame, frame.displayWidth, frame.displayHeight);
    frame.close();
  }

  close(): void {
    this.frame?.close();
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.decoder = null;
  }
}

function webCodecsConfig(picture: KeyframePicture): VideoDecoderConfig {
  const description = picture.track?.description;
  return {
    codec: picture.init.video,
    optimizeForLatency: true,
    ...(description ? { description: description as BufferSource } : {}),
  };
}

/** Seconds from one picture to the next in the hidden video: positions of its own, so that nothing overlaps. */
const APART_S = 2;

class MediaSourcePainter implements Painter {
  readonly by = 'mediasource';
  private tile: MediaTile | null = null;
  private number = 0;
  private init = '';

  async paint(picture: KeyframePicture, canvas: HTMLCanvasElement): Promise<void> {
    const { track } = picture;
    if (!track) throw new Error('no video in this init');
    const tile = (this.tile ??= new MediaTile(document.createElement('video'), 0));
    const { video } = tile;
    this.number += 1;
    const time = this.number * APART_S;
    const sample = oneSample(track, this.number, time * track.timescale, APART_S * track.timescale, picture.data);
    const isNew = this.init !== picture.init.id;
    this.init = picture.init.id;
    if (isNew) tile.append({ ...picture.init, audio: null }, withoutSound(picture.initData));
    tile.append(null, sample);
    if (video.readyState === HTMLMediaElement.HAVE_NOTHING) await once(video, 'loadedmetadata');
    const shown = once(video, 'seeked');
    tile.seek((time + 0.001) * 1000);
    await shown;
    draw(canvas, video, video.videoWidth, video.videoHeight);
  }

  close(): void {
    this.tile?.close();
    this.tile = null;
    this.init = '';
  }
}

/** Resolves with the event; a picture that never comes must not keep all later ones waiting. */
function once(video: HTMLVideoElement, event: 'seeked' | 'loadedmetadata'): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      video.removeEventListener(event, done);
      video.removeEventListener('error', failed);
    };
    const done = (): void => {
      end();
      resolve();
    };
    const failed = (): void => {
      end();
      reject(new Error('no picture came out'));
    };
    const timer = setTimeout(failed, 3000);
    video.addEventListener(event, done);
    video.addEventListener('error', failed);
  });
}

/** Draws the keyframe of a moment as the server decodes it; when it began to be shown. */
async function drawStill(camera: string, at: Instant, canvas: HTMLCanvasElement): Promise<Instant> {
  const most = canvas.dataset['width'] ? Number(canvas.dataset['width']) : 640;
  const answer = await keyframePicture(camera, at, most);
  const bitmap = await createImageBitmap(await answer.blob());
  draw(canvas, bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return parseInstant(answer.headers.get('X-Frame-Time') ?? formatInstant(at));
}

class ServerPainter implements Painter {
  readonly by = 'server';

  async paint(picture: KeyframePicture, canvas: HTMLCanvasElement): Promise<void> {
    await drawStill(picture.camera, picture.start, canvas);
  }

  close(): void {}
}

const supported = new Map<string, Promise<PaintedBy>>();

/** How this browser shows keyframes of an init; asked once of each codec. */
export function paintedBy(picture: KeyframePicture): Promise<PaintedBy> {
  const codec = picture.init.video;
  let found = supported.get(codec);
  if (!found) {
    found = (async (): Promise<PaintedBy> => {
      if (typeof VideoDecoder !== 'undefined') {
        const answer = await VideoDecoder.isConfigSupported(webCodecsConfig(picture)).catch(() => null);
        if (answer?.supported) return 'webcodecs';
      }
      return canPlay({ ...picture.init, audio: null }) ? 'mediasource' : 'server';
    })();
    supported.set(codec, found);
  }
  return found;
}

/** One canvas, whatever the pictures' codecs. */
export class KeyframeCanvas {
  private readonly painters = new Map<PaintedBy, Painter>();
  private next: KeyframePicture | null = null;
  private busy: Promise<void> | null = null;
  /** What is on it. */
  shown: KeyframePicture | null = null;
  by: PaintedBy | null = null;
  private painted = 0;
  private isAsking = false;

  /** The moment that is to be asked for once an answer has come. */
  private wanted: Instant | null = null;

  constructor(readonly canvas: HTMLCanvasElement) {}

  /** Resolves when this picture, or one asked for since, is drawn or has failed. */
  show(picture: KeyframePicture): Promise<void> {
    if (this.shown === picture && !this.next) return Promise.resolve();
    this.next = picture;
    this.busy ??= this.work().finally(() => (this.busy = null));
    return this.busy;
  }

  /** The keyframe of a moment from the server, of a camera that this browser can't decode. Null: another is coming. */
  async still(camera: string, at: Instant): Promise<Instant | null> {
    this.wanted = at;
    if (this.isAsking) return null;
    this.isAsking = true;
    try {
      let start: Instant | null = null;
      while (this.wanted !== null) {
        const next: Instant = this.wanted;
        this.wanted = null;
        start = await drawStill(camera, next, this.canvas);
      }
      this.by = 'server';
      this.canvas.dataset['painted'] = String((this.painted += 1));
      return start;
    } finally {
      this.isAsking = false;
      this.wanted = null;
    }
  }

  close(): void {
    this.next = null;
    for (const painter of this.painters.values()) painter.close();
    this.painters.clear();
  }

  private async work(): Promise<void> {
    while (this.next) {
      const picture = this.next;
      this.next = null;
      const by = await paintedBy(picture);
      let painter = this.painters.get(by);
      if (!painter) {
        painter =
          by === 'webcodecs'
            ? new WebCodecsPainter()
            : by === 'mediasource'
              ? new MediaSourcePainter()
              : new ServerPainter();
        this.painters.set(by, painter);
      }
      try {
        await painter.paint(picture, this.canvas);
        this.shown = picture;
        this.by = by;
        this.canvas.dataset['painted'] = String((this.painted += 1));
      } catch {
        painter.close(); // begun anew with the next one
        this.painters.delete(by);
      }
    }
  }
}
