// One sealed MP4, read once from front to end: its structure, its hashes, its signatures. A file that is not exactly
// `ftyp moov (moof mdat)+ meta`, with harmless boxes in between, has a trouble, and every byte of it was hashed all the
// same.

import { sha256 } from '@noble/hashes/sha2.js';
import { children, header, parseInit, parseMoof, type Track } from './boxes';
import { BoxError, CHUNK, View, hex, joined, type Bytes } from './bytes';
import { CertificateError, readCertificate, type CheckedCertificate } from './certificate';
import { crc32 } from './crc32';
import type { CheckKind } from './report';
import { verifies } from './rsa';
import { LARGEST_META_BYTES, parseMeta, signedView, type Meta } from './seal';

type Sha = ReturnType<typeof sha256.create>;

const LARGEST_INIT_BYTES = 4 << 20;
const LARGEST_MOOF_BYTES = 4 << 20;
const MOST_TRACKS = 16;
const HARMLESS = ['free', 'skip', 'sidx', 'styp', 'prft', 'emsg', 'uuid'];

export interface MovieTrouble {
  kind: CheckKind;
  at: number;
  code: string;
  detail: string;
}

export interface MovieResult {
  size: number;
  sha256: string;
  crc32: number;
  /** Running CRC-32s at the boundaries asked for. */
  crcs: Map<number, number>;
  initSha256: string | null;
  tracks: Track[];
  meta: Meta | null;
  /** Of the file as it was before it was counter-signed; null if there is no seal to say so. */
  firstSha256: string | null;
  firstSize: number | null;
  certificates: CheckedCertificate[];
  trouble: MovieTrouble | null;
}

class Stop extends Error {
  readonly trouble: MovieTrouble;

  constructor(kind: CheckKind, at: number, code: string, detail = '') {
    super(code);
    this.trouble = { kind, at, code, detail };
  }
}

class Stream {
  at = 0;
  readonly sha: Sha = sha256.create();
  crc = 0;
  readonly crcs = new Map<number, number>();
  private readonly marks: number[];

  constructor(
    private readonly file: Bytes,
    boundaries: readonly number[],
    private readonly progress: (count: number) => void,
  ) {
    this.marks = [...new Set(boundaries)].sort((a, b) => a - b);
  }

  get size(): number {
    return this.file.size;
  }

  /** The next bytes; fewer only at the file's end. */
  take(count: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0;) {
      const data = this.next(left);
      if (data.length === 0) break;
      // The reader's buffer is another's after the next read.
      parts.push(data.slice());
      left -= data.length;
    }
    return parts.length === 1 ? parts[0]! : joined(...parts);
  }

  /** Passes over bytes, which are hashed. */
  skip(count: number): void {
    for (let left = count; left > 0;) {
      const data = this.next(left);
      if (data.length === 0) return;
      left -= data.length;
    }
  }

  private next(most: number): Uint8Array {
    const data = this.file.read(this.at, Math.min(most, CHUNK));
    this.sha.update(data);
    let rest = data;
    let begin = this.at;
    while (this.marks.length > 0 && this.marks[0]! <= begin + rest.length) {
      const cut = Math.max(this.marks.shift()! - begin, 0);
      this.crc = crc32(rest.subarray(0, cut), this.crc);
      begin += cut;
      rest = rest.subarray(cut);
      this.crcs.set(begin, this.crc);
    }
    this.crc = crc32(rest, this.crc);
    this.at += data.length;
    this.progress(data.length);
    return data;
  }
}

export function checkMovie(
  file: Bytes,
  boundaries: readonly number[] = [],
  progress: (count: number) => void = () => undefined,
): MovieResult {
  const stream = new Stream(file, boundaries, progress);
  const result: MovieResult = {
    size: 0,
    sha256: '',
    crc32: 0,
    crcs: stream.crcs,
    initSha256: null,
    tracks: [],
    meta: null,
    firstSha256: null,
    firstSize: null,
    certificates: [],
    trouble: null,
  };
  try {
    walk(stream, result);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    result.trouble = error.trouble;
  }
  stream.skip(stream.size - stream.at);
  result.size = stream.at;
  result.sha256 = hex(stream.sha.digest());
  result.crc32 = stream.crc;
  return result;
}

function walk(stream: Stream, result: MovieResult): void {
  let init = new Uint8Array(0);
  let expected = 'ftyp';
  let fragments = 0;
  for (;;) {
    const start = stream.at;
    if (start === stream.size) throw new Stop('malformed', start, 'no_seal');
    const before = stream.sha.clone();
    const { head, kind, end } = nextHeader(stream);
    if (kind === 'meta' && expected === 'moof' && fragments > 0) {
      checkSeal(stream, result, start, head, end, before);
      return;
    }
    if (kind === 'ftyp' && expected === 'ftyp') {
      init = joined(head, whole(stream, end, LARGEST_INIT_BYTES)) as Uint8Array<ArrayBuffer>;
      expected = 'moov';
    } else if (kind === 'moov' && expected === 'moov') {
      init = joined(init, head, whole(stream, end, LARGEST_INIT_BYTES)) as Uint8Array<ArrayBuffer>;
      result.tracks = boxed(start, 'bad_structure', () => parseInit(init));
      if (result.tracks.length > MOST_TRACKS)
        throw new Stop('malformed', start, 'bad_structure', `it declares ${result.tracks.length} tracks`);
      result.initSha256 = hex(sha256(init));
      expected = 'moof';
    } else if (kind === 'moof' && expected === 'moof') {
      const moof = joined(head, whole(stream, end, LARGEST_MOOF_BYTES));
      const after = nextHeader(stream);
      if (after.kind !== 'mdat')
        throw new Stop('malformed', stream.at, 'bad_structure', `moof is followed by ${after.kind}, not by its mdat`);
      fragments += 1;
      checkFragment(result, moof, start, after.end, fragments);
      stream.skip(after.end - stream.at);
    } else if (HARMLESS.includes(kind) && expected === 'moof') {
      stream.skip(end - stream.at);
    } else if (kind === 'mdat' && expected === 'moof' && fragments === 0) {
      throw new Stop('unsupported', start, 'not_fragmented');
    } else {
      throw new Stop('malformed', start, 'bad_structure', `${kind} stands where ${expected} should`);
    }
  }
}

/** What a box's parser found wrong, as a trouble at that byte. */
function boxed<T>(at: number, code: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof BoxError) throw new Stop('malformed', at, code, error.message);
    throw error;
  }
}

/** A box's header bytes, its type and where it ends, which is inside the file. */
function nextHeader(stream: Stream): { head: Uint8Array; kind: string; end: number } {
  const start = stream.at;
  let head = stream.take(8);
  if (head.length < 8) throw new Stop('malformed', start, 'cut_off');
  let size = new View(head).u32(0);
  const kind = new View(head).kind(4);
  if (size === 1) {
    head = joined(head, stream.take(8));
    if (head.length < 16) throw new Stop('malformed', start, 'cut_off');
    size = new View(head).u64(8);
  }
  if (size < head.length) throw new Stop('malformed', start, 'bad_structure', `a box declares ${size} bytes`);
  if (start + size > stream.size) throw new Stop('malformed', start, 'cut_off');
  return { head, kind, end: start + size };
}

function whole(stream: Stream, end: number, most: number): Uint8Array {
  if (end - stream.at > most)
    throw new Stop('malformed', stream.at, 'bad_structure', `a header box declares ${end - stream.at} bytes`);
  const data = stream.take(end - stream.at);
  if (stream.at < end) throw new Stop('malformed', stream.at, 'cut_off');
  return data;
}

function checkFragment(result: MovieResult, moof: Uint8Array, start: number, end: number, number: number): void {
  const fragment = boxed(start, 'bad_structure', () => {
    const view = new View(moof);
    const outer = header(view, 0, moof.length);
    const parts = outer ? children(view, outer.payload, outer.end).filter((box) => box.kind === 'traf').length : 0;
    if (parts > result.tracks.length)
      throw new BoxError(`a fragment has ${parts} parts, and there are ${result.tracks.length} tracks`);
    return parseMoof(view);
  });
  const wrong = (detail: string) => new Stop('malformed', start, 'bad_structure', detail);
  if (fragment.sequence !== number) throw wrong(`fragment ${number} has the number ${fragment.sequence}`);
  const kinds = new Map(result.tracks.map((track) => [track.id, track.kind]));
  for (const part of fragment.tracks) {
    const inside = moof.length <= part.offset && part.offset + part.size <= end - start;
    if (!kinds.has(part.track) || !inside) throw wrong('a fragment has samples that are not its own');
    if (number === 1 && kinds.get(part.track) === 'video' && part.count > 0 && !part.beginsWithKeyframe)
      throw wrong('the footage does not begin with a keyframe');
  }
}

/** `before` is the hash of everything in front of the `meta` that begins at `start`. */
function checkSeal(
  stream: Stream,
  result: MovieResult,
  start: number,
  head: Uint8Array,
  end: number,
  before: Sha,
): void {
  const data = joined(head, whole(stream, end, LARGEST_META_BYTES));
  if (stream.at < stream.size) {
    const more = stream.take(8);
    const isIndex = more.length === 8 && new View(more).kind(4) === 'mfra';
    throw new Stop(isIndex ? 'unsupported' : 'malformed', end, isIndex ? 'fragment_index' : 'trailing');
  }
  const found = boxed(start, 'bad_seal', () => parseMeta(data));
  result.meta = found;
  const ids = (list: { id: number }[]) =>
    list
      .map((one) => one.id)
      .sort((a, b) => a - b)
      .join();
  if (ids(found.unit.sources) !== ids(result.tracks))
    throw new Stop('malformed', start, 'bad_seal', 'it does not describe the tracks of the file');
  const digest = (number: number, zeroed: boolean) =>
    before
      .clone()
      .update(signedView(data, found, number, zeroed))
      .digest();
  result.firstSha256 = hex(digest(0, false));
  result.firstSize = start + found.signatures[0]!.end;
  found.signatures.forEach((signature, number) => {
    const at = start + signature.start;
    if (signature.hasAlgorithm) throw new Stop('unsupported', at, 'algorithm');
    let certificate: CheckedCertificate;
    try {
      certificate = readCertificate(signature.certificate);
    } catch (error) {
      if (error instanceof CertificateError) throw new Stop('malformed', at, 'bad_certificate', error.message);
      throw error;
    }
    if (!verifies(certificate, digest(number, true), data.subarray(...signature.signature)))
      throw new Stop('modified', at, 'seal_broken', String(number + 1));
    result.certificates.push(certificate);
  });
}
