// Answers that come as messages: a head of eight bytes (which camera of those asked for, what kind, how long), and a
// body. Pure. Invariant: what is read does not depend on how the network cut the answer into pieces.

import type { Instant } from '../shared/time/instant';

const HEAD = 8;
const TIMES = 16;

export class MessageReader<M> {
  private rest = new Uint8Array(0);

  /** `read`: the message of a camera (by its place), of a kind, with this body; null of one that a newer server has. */
  constructor(private readonly read: (tile: number, kind: number, body: Uint8Array) => M | null) {}

  /** The messages that are whole with this piece. */
  push(piece: Uint8Array): M[] {
    const bytes = joined(this.rest, piece);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found: M[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const length = view.getUint32(at + 4);
      if (bytes.length - at < HEAD + length) break;
      const body = bytes.subarray(at + HEAD, at + HEAD + length);
      const message = this.read(view.getUint8(at), view.getUint8(at + 1), body);
      if (message !== null) found.push(message);
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

/** A body of JSON, a zero, and bytes. */
export function described<T>(body: Uint8Array): { told: T; data: Uint8Array } {
  const zero = body.indexOf(0);
  const told = JSON.parse(new TextDecoder().decode(body.subarray(0, zero))) as T;
  return { told, data: body.slice(zero + 1) };
}

/** A body of two times, and bytes; null of one that is too short for that. */
export function timed(body: Uint8Array): { start: Instant; end: Instant; data: Uint8Array } | null {
  if (body.length < TIMES) return null;
  const view = new DataView(body.buffer, body.byteOffset, TIMES);
  return { start: instant(view, 0), end: instant(view, 8), data: body.slice(TIMES) };
}

/** Microseconds of 64 bits; until the year 2255 they are exact as a double. */
function instant(view: DataView, at: number): Instant {
  return (view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)) / 1000;
}
