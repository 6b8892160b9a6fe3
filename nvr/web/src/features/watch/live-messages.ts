// Live pictures of several cameras come in one answer, as messages (nvr/playback/live/wire.py). Pure. Invariant: what
// is read does not depend on how the network cut the answer into pieces.

import type { Instant } from '../../shared/time/instant';

export interface LiveInit {
  /** `live`: the stream for watching; `main`: what is recorded. */
  stream: 'live' | 'main';
  /** As in RFC 6381. */
  video: string;
  audio: string | null;
  width: number;
  height: number;
}

export type LiveMessage =
  | { kind: 'init'; tile: number; init: LiveInit; data: Uint8Array }
  | { kind: 'fragment'; tile: number; start: Instant; end: Instant; data: Uint8Array }
  | { kind: 'away'; tile: number; cause: string | null; error: string }
  | { kind: 'ping' };

const HEAD = 8;
const TIMES = 16;
const KINDS = { init: 0, fragment: 1, away: 6, ping: 7 } as const;

export class LiveReader {
  private pieces: Uint8Array[] = [];
  private length = 0;

  /** The messages that are whole with this piece. */
  push(piece: Uint8Array): LiveMessage[] {
    this.pieces.push(piece);
    this.length += piece.length;
    const found: LiveMessage[] = [];
    let bytes = this.joined();
    for (;;) {
      if (bytes.length < HEAD) break;
      const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD);
      const length = view.getUint32(4);
      if (bytes.length < HEAD + length) break;
      const message = read(view.getUint8(0), view.getUint8(1), bytes.subarray(HEAD, HEAD + length));
      if (message) found.push(message);
      bytes = bytes.subarray(HEAD + length);
    }
    this.pieces = bytes.length > 0 ? [bytes] : [];
    this.length = bytes.length;
    return found;
  }

  private joined(): Uint8Array {
    if (this.pieces.length === 1) return this.pieces[0]!;
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

/** Null of a kind that a newer server may have. */
function read(tile: number, kind: number, data: Uint8Array): LiveMessage | null {
  if (kind === KINDS.init) {
    const zero = data.indexOf(0);
    const init = JSON.parse(new TextDecoder().decode(data.subarray(0, zero))) as LiveInit;
    return { kind: 'init', tile, init, data: data.slice(zero + 1) };
  }
  if (kind === KINDS.fragment && data.length > TIMES) {
    const view = new DataView(data.buffer, data.byteOffset, TIMES);
    return { kind: 'fragment', tile, start: instant(view, 0), end: instant(view, 8), data: data.slice(TIMES) };
  }
  if (kind === KINDS.away) {
    const told = JSON.parse(new TextDecoder().decode(data)) as { cause: string | null; error: string };
    return { kind: 'away', tile, ...told };
  }
  return kind === KINDS.ping ? { kind: 'ping' } : null;
}

/** Microseconds of 64 bits; until the year 2255 they are exact as a double. */
function instant(view: DataView, at: number): Instant {
  return (view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)) / 1000;
}
