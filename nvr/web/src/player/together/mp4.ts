// The little of MP4 that playing by keyframes needs: what an init says of its video, and a fragment of one sample, so
// that MediaSource shows a single keyframe (on plain http browsers have no WebCodecs). Pure. ISO/IEC 14496-12.

export interface VideoTrack {
  id: number;
  timescale: number;
  /** What a decoder is configured with: the content of avcC, hvcC or av1C; null: this codec has none that we know. */
  description: Uint8Array | null;
}

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);
const CONFIGURATIONS = new Set(['avcC', 'hvcC', 'av1C', 'vpcC']);
/** Of a visual sample entry, before its boxes. */
const VISUAL_ENTRY = 78;

interface Box {
  kind: string;
  start: number;
  end: number;
}

function* boxes(view: DataView, start: number, end: number): Generator<Box> {
  let at = start;
  while (end - at >= 8) {
    const size = view.getUint32(at);
    const kind = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    const length = size === 0 ? end - at : size;
    if (length < 8 || at + length > end) return;
    yield { kind, start: at + 8, end: at + length };
    at += length;
  }
}

/** The video of an init; null: it has none, or is not one. */
export function videoTrack(init: Uint8Array): VideoTrack | null {
  const view = new DataView(init.buffer, init.byteOffset, init.byteLength);
  for (const moov of boxes(view, 0, init.byteLength)) {
    if (moov.kind !== 'moov') continue;
    for (const trak of boxes(view, moov.start, moov.end)) {
      if (trak.kind !== 'trak') continue;
      const found: Partial<VideoTrack> & { isVideo?: boolean } = {};
      walk(view, trak.start, trak.end, found);
      if (found.isVideo && found.id !== undefined && found.timescale)
        return { id: found.id, timescale: found.timescale, description: found.description ?? null };
    }
  }
  return null;
}

function walk(view: DataView, start: number, end: number, found: Partial<VideoTrack> & { isVideo?: boolean }): void {
  for (const box of boxes(view, start, end)) {
    const long = box.end > box.start && view.getUint8(box.start) === 1;
    if (CONTAINERS.has(box.kind)) walk(view, box.start, box.end, found);
    else if (box.kind === 'tkhd') found.id = view.getUint32(box.start + (long ? 20 : 12));
    else if (box.kind === 'mdhd') found.timescale = view.getUint32(box.start + (long ? 20 : 12));
    else if (box.kind === 'hdlr')
      found.isVideo = view.getUint32(box.start + 8) === 0x76696465; // vide
    else if (box.kind === 'stsd')
      for (const entry of boxes(view, box.start + 8, box.end))
        for (const inner of boxes(view, entry.start + VISUAL_ENTRY, entry.end))
          if (CONFIGURATIONS.has(inner.kind))
            found.description = new Uint8Array(
              view.buffer,
              view.byteOffset + inner.start,
              inner.end - inner.start,
            ).slice();
  }
}

function box(kind: string, ...parts: Uint8Array[]): Uint8Array {
  const size = 8 + parts.reduce((sum, part) => sum + part.length, 0);
  const made = new Uint8Array(size);
  new DataView(made.buffer).setUint32(0, size);
  for (let i = 0; i < 4; i += 1) made[4 + i] = kind.charCodeAt(i);
  let at = 8;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

function words(...values: number[]): Uint8Array {
  const made = new Uint8Array(values.length * 4);
  const view = new DataView(made.buffer);
  values.forEach((value, i) => view.setUint32(i * 4, value >>> 0));
  return made;
}

/** A fragment of one keyframe: `time` and `duration` in ticks of the track. */
export function oneSample(
  track: VideoTrack,
  sequence: number,
  time: number,
  duration: number,
  data: Uint8Array,
): Uint8Array {
  const high = Math.floor(time / 2 ** 32);
  const moofOf = (offset: number): Uint8Array =>
    box(
      'moof',
      box('mfhd', words(0, sequence)),
      box(
        'traf',
        box('tfhd', words(0x020000, track.id)), // default-base-is-moof
        box('tfdt', words(0x01000000, high, time - high * 2 ** 32)),
        // data offset, and of each sample its duration, size and flags: a keyframe depends on no other
        box('trun', words(0x000701, 1, offset, duration, data.length, 0x02000000)),
      ),
    );
  const moof = moofOf(moofOf(0).length + 8);
  const made = new Uint8Array(moof.length + 8 + data.length);
  made.set(moof);
  made.set(box('mdat').subarray(0, 8), moof.length);
  new DataView(made.buffer).setUint32(moof.length, data.length + 8);
  made.set(data, moof.length + 8);
  return made;
}

/**
 * The init without its sound, which MediaSource refuses unless it is told of it: the sound's boxes become ones that are
 * passed over, so that no byte moves.
 */
export function withoutSound(init: Uint8Array): Uint8Array {
  const made = init.slice();
  const view = new DataView(made.buffer);
  const free = (found: Box): void => made.set([0x66, 0x72, 0x65, 0x65], found.start - 4);
  const sounds = new Set<number>();
  for (const moov of boxes(view, 0, made.length)) {
    if (moov.kind !== 'moov') continue;
    const inside = [...boxes(view, moov.start, moov.end)];
    for (const trak of inside) {
      if (trak.kind !== 'trak') continue;
      const found: Partial<VideoTrack> & { isVideo?: boolean } = {};
      walk(view, trak.start, trak.end, found);
      if (found.isVideo || found.id === undefined) continue;
      sounds.add(found.id);
      free(trak);
    }
    for (const mvex of inside)
      if (mvex.kind === 'mvex')
        for (const trex of boxes(view, mvex.start, mvex.end))
          if (trex.kind === 'trex' && sounds.has(view.getUint32(trex.start + 4))) free(trex);
  }
  return made;
}
