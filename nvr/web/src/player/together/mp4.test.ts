import { expect, it } from 'vitest';
import { oneSample, videoTrack, withoutSound } from './mp4';

const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));
const u32 = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const box = (kind: string, ...content: number[]): number[] => [...u32(8 + content.length), ...ascii(kind), ...content];
const zeros = (n: number): number[] => new Array<number>(n).fill(0);

function trak(id: number, handler: string, timescale: number, entry: number[]): number[] {
  return box(
    'trak',
    ...box('tkhd', ...zeros(12), ...u32(id), ...zeros(60)),
    ...box(
      'mdia',
      ...box('mdhd', ...zeros(12), ...u32(timescale), ...zeros(8)),
      ...box('hdlr', ...zeros(8), ...ascii(handler), ...zeros(12)),
      ...box('minf', ...box('stbl', ...box('stsd', ...zeros(4), ...u32(1), ...entry))),
    ),
  );
}

const avc = box('avc1', ...zeros(78), ...box('avcC', 1, 100, 0, 31, 255));
const init = Uint8Array.from([
  ...box('ftyp', ...ascii('isom')),
  ...box(
    'moov',
    ...box('mvhd', ...zeros(100)),
    ...trak(2, 'soun', 48_000, box('mp4a', ...zeros(28))),
    ...trak(1, 'vide', 90_000, avc),
    ...box('mvex', ...box('trex', ...u32(0), ...u32(1)), ...box('trex', ...u32(0), ...u32(2))),
  ),
]);

it('finds the video of an init, beside its sound', () => {
  const track = videoTrack(init)!;
  expect(track).toMatchObject({ id: 1, timescale: 90_000 });
  expect([...track.description!]).toEqual([1, 100, 0, 31, 255]);
  expect(videoTrack(new Uint8Array(0))).toBeNull();
  expect(videoTrack(init.slice(0, 40))).toBeNull();
});

it('makes a fragment of one keyframe whose bytes stand where its header says', () => {
  const data = Uint8Array.from([5, 6, 7]);
  const time = 2 ** 33 + 12_345;
  const made = oneSample({ id: 7, timescale: 90_000, description: null }, 3, time, 180_000, data);
  const view = new DataView(made.buffer);
  const text = (at: number) => String.fromCharCode(...made.slice(at, at + 4));
  const find = (kind: string): number => {
    for (let at = 4; at < made.length; at += 1) if (text(at) === kind) return at + 4;
    throw new Error(kind);
  };
  expect(view.getUint32(find('tfhd') + 4)).toBe(7);
  const tfdt = find('tfdt');
  expect(view.getUint8(tfdt)).toBe(1);
  expect(view.getUint32(tfdt + 4) * 2 ** 32 + view.getUint32(tfdt + 8)).toBe(time);
  const trun = find('trun');
  expect(view.getUint32(trun + 4)).toBe(1);
  const offset = view.getUint32(trun + 8);
  expect(view.getUint32(trun + 12)).toBe(180_000);
  expect([...made.slice(offset, offset + view.getUint32(trun + 16))]).toEqual([5, 6, 7]);
  expect(view.getUint32(0) + view.getUint32(view.getUint32(0))).toBe(made.length);
});

it('leaves the sound of an init out, and moves no byte', () => {
  const made = withoutSound(init);
  const text = String.fromCharCode(...made);
  expect(made.length).toBe(init.length);
  expect(videoTrack(made)).toEqual(videoTrack(init));
  expect([text.split('free').length - 1, text.split('trak').length - 1, text.split('trex').length - 1]).toEqual([
    2, 1, 1,
  ]);
  expect(text).toContain('avcC');
});
