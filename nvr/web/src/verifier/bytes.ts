// Bytes of a file, read in slices and in order, and numbers in them. What lies outside the bytes is a `BoxError`, never
// a zero.

/** A file: `read` gives fewer bytes than were asked for only at its end. */
export interface Bytes {
  readonly size: number;
  read(at: number, count: number): Uint8Array;
}

/** Bytes that are not the structure expected of them. */
export class BoxError extends Error {}

const CHUNK_BYTES = 4 << 20;

/** What a browser's file or blob gives to a worker: read at once, a slice at a time. */
export class BlobBytes implements Bytes {
  readonly size: number;
  private reader: { readAsArrayBuffer(blob: Blob): ArrayBuffer };
  private kept = new Uint8Array(0);
  private keptAt = 0;

  constructor(
    private readonly blob: Blob,
    reader: { readAsArrayBuffer(blob: Blob): ArrayBuffer },
  ) {
    this.size = blob.size;
    this.reader = reader;
  }

  read(at: number, count: number): Uint8Array {
    const end = Math.min(at + count, this.size);
    if (end <= at) return new Uint8Array(0);
    if (at < this.keptAt || end > this.keptAt + this.kept.length) {
      // Small reads come one behind the other: headers of boxes.
      const stop = Math.min(Math.max(end, at + CHUNK_BYTES), this.size);
      this.kept = new Uint8Array(this.reader.readAsArrayBuffer(this.blob.slice(at, stop)));
      this.keptAt = at;
      if (this.kept.length !== stop - at) throw new ReadError();
    }
    return this.kept.subarray(at - this.keptAt, end - this.keptAt);
  }
}

/** The file is not what it was when it was chosen, or can't be read. */
export class ReadError extends Error {}

/** Part of a file. */
export class Window implements Bytes {
  constructor(
    private readonly file: Bytes,
    private readonly begin: number,
    readonly size: number,
  ) {}

  read(at: number, count: number): Uint8Array {
    return this.file.read(this.begin + at, Math.max(Math.min(count, this.size - at), 0));
  }
}

export const CHUNK = CHUNK_BYTES;

/** Numbers in some bytes; each read is inside them. */
export class View {
  private readonly view: DataView;

  constructor(
    readonly data: Uint8Array,
    private readonly little = false,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get length(): number {
    return this.data.length;
  }

  private need(at: number, count: number): void {
    if (at < 0 || at + count > this.data.length) throw new BoxError('it is cut short');
  }

  u8(at: number): number {
    this.need(at, 1);
    return this.data[at]!;
  }

  u16(at: number): number {
    this.need(at, 2);
    return this.view.getUint16(at, this.little);
  }

  u32(at: number): number {
    this.need(at, 4);
    return this.view.getUint32(at, this.little);
  }

  i32(at: number): number {
    this.need(at, 4);
    return this.view.getInt32(at, this.little);
  }

  /** As a number: beyond 2^53 it is not exact, and larger than any file. */
  u64(at: number): number {
    const [first, second] = [this.u32(at), this.u32(at + 4)];
    return this.little ? second * 2 ** 32 + first : first * 2 ** 32 + second;
  }

  /** Four letters. */
  kind(at: number): string {
    this.need(at, 4);
    return latin(this.data.subarray(at, at + 4));
  }

  slice(begin: number, end: number): Uint8Array {
    return this.data.subarray(begin, end);
  }
}

/** One letter a byte. */
export function latin(data: Uint8Array): string {
  return Array.from(data, (byte) => String.fromCharCode(byte)).join('');
}

/** UTF-8, strictly. */
export function utf8(data: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
}

export function hex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
