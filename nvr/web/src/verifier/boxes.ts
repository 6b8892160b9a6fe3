// MP4 boxes, as far as a sealed export has them (ISO/IEC 14496-12). The same rules as storage/format/boxes.py.

import { BoxError, View, utf8 } from './bytes';

export interface Box {
  kind: string;
  start: number;
  payload: number;
  end: number;
}

export interface Track {
  id: number;
  kind: 'video' | 'audio';
}

export interface TrackFragment {
  track: number;
  offset: number;
  count: number;
  size: number;
  /** Whether its first sample is a keyframe; true without samples. */
  beginsWithKeyframe: boolean;
}

export interface Fragment {
  sequence: number;
  tracks: TrackFragment[];
}

const MOST_SAMPLES = 1 << 17;
const NON_SYNC = 0x00010000;
const HOLE = '6e76722d686f6c658f1c4b52a9d07e31';

/** The box that begins at `at`; null if its header is not whole before `limit`. */
export function header(view: View, at: number, limit: number): Box | null {
  if (at + 8 > limit) return null;
  let size = view.u32(at);
  const kind = view.kind(at + 4);
  let payload = at + 8;
  if (size === 1) {
    if (at + 16 > limit) return null;
    size = view.u64(at + 8);
    payload = at + 16;
  }
  if (size < payload - at) throw new BoxError(`a box declares ${size} bytes, less than its own header`);
  return { kind, start: at, payload, end: at + size };
}

/** The boxes between `start` and `end`, which they must fill exactly. */
export function children(view: View, start: number, end: number): Box[] {
  const found: Box[] = [];
  let at = start;
  while (at < end) {
    const box = header(view, at, end);
    if (box === null || box.end > end)
      throw new BoxError(`box at ${at} does not fit into its parent, which ends at ${end}`);
    found.push(box);
    at = box.end;
  }
  return found;
}

function need(view: View, box: Box, ...path: string[]): Box {
  let found = box;
  for (const kind of path) {
    // Those behind it are not looked at.
    let at = found.payload;
    let next: Box | null = null;
    while (at < found.end && next === null) {
      const child = header(view, at, found.end);
      if (child === null || child.end > found.end) throw new BoxError(`box at ${at} does not fit into its parent`);
      if (child.kind === kind) next = child;
      at = child.end;
    }
    if (next === null) throw new BoxError(`no ${kind} in ${found.kind}`);
    found = next;
  }
  return found;
}

export function parseMoof(view: View): Fragment {
  const outer = header(view, 0, view.length);
  if (outer === null || outer.kind !== 'moof' || outer.end !== view.length) throw new BoxError('not a whole moof');
  let sequence = 0;
  const tracks: TrackFragment[] = [];
  for (const box of children(view, outer.payload, outer.end)) {
    if (box.kind === 'mfhd') sequence = view.u32(box.payload + 4);
    else if (box.kind === 'traf') tracks.push(parseTraf(view, box));
    else if (box.kind === 'uuid') checkHole(view, box);
  }
  return { sequence, tracks };
}

/** A hole's box says from when to when, in ticks: as the recorder checks it. */
function checkHole(view: View, box: Box): void {
  const uuid = Array.from(view.slice(box.payload, box.payload + 16), (byte) => byte.toString(16).padStart(2, '0'));
  if (uuid.join('') !== HOLE) return;
  if (box.end - box.start !== 41) throw new BoxError(`a hole of ${box.end - box.start} bytes`);
  const at = box.start + 24;
  const signed = (place: number) => (BigInt(view.i32(place)) << 32n) + BigInt(view.u32(place + 4));
  const [start, end] = [signed(at), signed(at + 8)];
  const largest = 1n << 62n;
  if (!(-largest < start && start < end && end < largest) || view.u8(at + 16) >= 4)
    throw new BoxError(`a hole from ${start} to ${end}`);
}

function parseTraf(view: View, traf: Box): TrackFragment {
  let track = 0;
  let hasTime = false;
  let offset: number | null = null;
  let size = 0;
  let flags = 0;
  let count = 0;
  let bytes = 0;
  let first: boolean | null = null;
  for (const box of children(view, traf.payload, traf.end)) {
    if (box.kind === 'tfhd') {
      const bits = view.u32(box.payload) & 0xffffff;
      track = view.u32(box.payload + 4);
      size = flags = 0;
      let at = box.payload + 8;
      if (bits & 0x01) throw new BoxError('tfhd with base-data-offset: fragments must be self-contained');
      if (bits & 0x02) at += 4;
      if (bits & 0x08) {
        view.u32(at);
        at += 4;
      }
      if (bits & 0x10) {
        size = view.u32(at);
        at += 4;
      }
      if (bits & 0x20) flags = view.u32(at);
    } else if (box.kind === 'tfdt') {
      if (view.u8(box.payload) === 1) view.u64(box.payload + 4);
      else view.u32(box.payload + 4);
      hasTime = true;
    } else if (box.kind === 'trun') {
      const run = parseTrun(view, box, size, flags);
      if (offset === null) offset = run.offset;
      else if (run.offset !== offset + bytes) throw new BoxError('traf whose runs do not lie one behind the other');
      count += run.count;
      if (count > MOST_SAMPLES) throw new BoxError(`traf declares more than ${MOST_SAMPLES} samples`);
      bytes += run.bytes;
      if (run.count > 0) first ??= run.first;
    }
  }
  if (!hasTime || offset === null || !track) throw new BoxError('traf lacks tfhd, tfdt or trun');
  return { track, offset, count, size: bytes, beginsWithKeyframe: first ?? true };
}

function parseTrun(view: View, box: Box, size: number, flags: number) {
  const bits = view.u32(box.payload) & 0xffffff;
  const count = view.u32(box.payload + 4);
  let at = box.payload + 8;
  let offset = 0;
  if (bits & 0x001) {
    offset = view.i32(at);
    at += 4;
  }
  let firstFlags: number | null = null;
  if (bits & 0x004) {
    firstFlags = view.u32(at);
    at += 4;
  }
  const columns = [0x100, 0x200, 0x400, 0x800].filter((bit) => bits & bit);
  if (count > MOST_SAMPLES || at + 4 * columns.length * count > box.end)
    throw new BoxError(`trun declares ${count} samples, more than it holds`);
  const column = (bit: number) => columns.indexOf(bit);
  let bytes = 0;
  for (let sample = 0; sample < count; sample++)
    bytes += column(0x200) < 0 ? size : view.u32(at + 4 * (sample * columns.length + column(0x200)));
  let first = false;
  if (count > 0) {
    const own = column(0x400) < 0 ? flags : view.u32(at + 4 * column(0x400));
    first = ((firstFlags ?? own) & NON_SYNC) === 0;
  }
  return { offset, count, bytes, first };
}

/** The tracks that an init (`ftyp` and `moov`) declares. */
export function parseInit(data: Uint8Array): Track[] {
  const view = new View(data);
  const moov = need(view, { kind: 'init', start: 0, payload: 0, end: data.length }, 'moov');
  return children(view, moov.payload, moov.end)
    .filter((box) => box.kind === 'trak')
    .map((trak) => parseTrak(view, trak));
}

function parseTrak(view: View, trak: Box): Track {
  const tkhd = need(view, trak, 'tkhd');
  const id = view.u32(tkhd.payload + (view.u8(tkhd.payload) === 1 ? 20 : 12));
  const mdhd = need(view, trak, 'mdia', 'mdhd');
  if (!view.u32(mdhd.payload + (view.u8(mdhd.payload) === 1 ? 20 : 12)))
    throw new BoxError(`track ${id} has timescale 0`);
  const hdlr = need(view, trak, 'mdia', 'hdlr');
  const handler = new TextDecoder('latin1').decode(view.slice(hdlr.payload + 8, hdlr.payload + 12));
  const stsd = need(view, trak, 'mdia', 'minf', 'stbl', 'stsd');
  const entry = header(view, stsd.payload + 8, stsd.end);
  if (entry === null || entry.end > stsd.end) throw new BoxError(`track ${id} has no sample entry`);
  if (handler === 'vide') {
    view.u32(entry.payload + 24);
    checkVideo(view, entry);
    return { id, kind: 'video' };
  }
  if (handler === 'soun') {
    checkAudio(view, entry);
    return { id, kind: 'audio' };
  }
  throw new BoxError(`track ${id} is neither video nor audio`);
}

/** That its codec can be named, which `nvr verify` demands by naming it. */
function checkVideo(view: View, entry: Box): void {
  for (let at = entry.payload + 78; at < entry.end;) {
    const box = header(view, at, entry.end);
    if (box === null || box.end > entry.end) throw new BoxError(`box at ${at} does not fit into its parent`);
    if (box.kind === 'hvcC' && box.end - box.payload < 13) throw new BoxError('hvcC is cut short');
    if (box.kind === 'avcC' || box.kind === 'hvcC') break;
    at = box.end;
  }
  plainKind(view, entry);
}

function checkAudio(view: View, entry: Box): void {
  plainKind(view, entry);
  if (entry.kind !== 'mp4a') return;
  for (let at = entry.payload + 28; at < entry.end;) {
    const box = header(view, at, entry.end);
    if (box === null || box.end > entry.end) throw new BoxError(`box at ${at} does not fit into its parent`);
    if (box.kind === 'esds') {
      const payload = view.slice(box.payload, box.end);
      let place = payload.indexOf(5);
      if (place >= 0) {
        place += 1;
        const own = new View(payload);
        while (own.u8(place) & 0x80) place += 1;
        own.u8(place + 1);
        return;
      }
    }
    at = box.end;
  }
}

function plainKind(view: View, entry: Box): void {
  try {
    utf8(view.slice(entry.start + 4, entry.start + 8));
  } catch {
    throw new BoxError('a sample entry has no name');
  }
}
