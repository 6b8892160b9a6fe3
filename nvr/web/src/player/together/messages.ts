// The footage of several cameras comes in one answer, as messages (nvr/playback/tiles/messages.py). Pure.
// Invariant: what is read does not depend on how the network cut the answer into pieces.

import type { Instant } from '../../shared/time/instant';

export interface TileInit {
  id: string;
  /** As in RFC 6381. */
  video: string;
  audio: string | null;
  width: number;
  height: number;
}

export type TileMessage =
  | { kind: 'init'; tile: number; init: TileInit; data: Uint8Array | null }
  | { kind: 'fragment' | 'keyframe'; tile: number; start: Instant; end: Instant; data: Uint8Array }
  | { kind: 'gap' | 'lost'; tile: number; start: Instant; end: Instant }
  | { kind: 'end'; tile: number };

const HEAD = 8;
const TIMES = 16;

export class MessageReader {
  private rest = new Uint8Array(0);

  /** The messages that are whole with this piece. */
  push(piece: Uint8Array): TileMessage[] {
    const bytes = joined(this.rest, piece);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found: TileMessage[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const length = view.getUint32(at + 4);
      if (bytes.length - at < HEAD + length) break;
      const message = read(view.getUint8(at), view.getUint8(at + 1), bytes.subarray(at + HEAD, at + HEAD + length));
      if (message) found.push(message);
      at += HEAD + length;
    }
    this.rest = bytes.slice(at);
    return found;
  }

  /** Whether the answer ended within a message: it was broken off. */
  get isBroken(): boolean {
    return this.rest.length > 0;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** Null of a kind that a newer server may have. */
function read(tile: number, kind: number, data: Uint8Array): TileMessage | null {
  if (kind === 5) return { kind: 'end', tile };
  if (kind === 0) {
    const zero = data.indexOf(0);
    const init = JSON.parse(new TextDecoder().decode(data.subarray(0, zero))) as TileInit;
    const bytes = data.slice(zero + 1);
    return { kind: 'init', tile, init, data: bytes.length > 0 ? bytes : null };
  }
  const name = ([null, 'fragment', 'keyframe', 'gap', 'lost'] as const)[kind];
  if (!name || data.length < TIMES) return null;
  const view = new DataView(data.buffer, data.byteOffset, TIMES);
  const start = instant(view, 0);
  const end = instant(view, 8);
  if (name === 'gap' || name === 'lost') return { kind: name, tile, start, end };
  return { kind: name, tile, start, end, data: data.slice(TIMES) };
}

/** Microseconds of 64 bits; until the year 2255 they are exact as a double. */
function instant(view: DataView, at: number): Instant {
  return (view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)) / 1000;
}

/** All messages of an answer, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<TileMessage[]> {
  const reader = response.body!.getReader();
  const messages = new MessageReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const found = messages.push(value);
      if (found.length > 0) yield found;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  if (messages.isBroken) throw new Error('the answer was broken off');
}
