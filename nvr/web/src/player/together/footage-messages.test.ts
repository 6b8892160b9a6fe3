import { describe, expect, it } from 'vitest';
import { MessageReader } from '../messages';
import { readFootage, type TileMessage } from './footage-messages';

const head = (tile: number, kind: number, length: number): number[] => [
  tile,
  kind,
  0,
  0,
  (length >>> 24) & 255,
  (length >>> 16) & 255,
  (length >>> 8) & 255,
  length & 255,
];
function u64(us: bigint): number[] {
  return Array.from({ length: 8 }, (_, i) => Number((us >> BigInt(8 * (7 - i))) & 255n));
}
const START = 1_795_961_106_123_457n; // microseconds
const fragment = [...head(3, 1, 16 + 4), ...u64(START), ...u64(START + 500_001n), 9, 8, 7, 6];
const gap = [...head(1, 3, 16), ...u64(START), ...u64(START + 1n)];
const json = [...new TextEncoder().encode('{"id":"ab","video":"avc1.64001f","audio":null,"width":640,"height":360}')];
const init = [...head(0, 0, json.length + 3), ...json, 0, 1, 2];
const end = head(15, 5, 0);
const all = Uint8Array.from([...init, ...fragment, ...gap, ...end]);

describe('messages', () => {
  it('are the same however the network cuts them', () => {
    const whole = new MessageReader(readFootage).push(all);
    for (const size of [1, 3, 7, 16, 25, 1000]) {
      const reader = new MessageReader(readFootage);
      const found: TileMessage[] = [];
      for (let at = 0; at < all.length; at += size) found.push(...reader.push(all.slice(at, at + size)));
      expect(found).toEqual(whole);
      expect(reader.isBroken).toBe(false);
    }
  });

  it('keep every microsecond', () => {
    const [first, second, third, last] = new MessageReader(readFootage).push(all);
    expect(first).toMatchObject({ kind: 'init', tile: 0, init: { video: 'avc1.64001f', width: 640 } });
    expect(first!.kind === 'init' && [...first!.data!]).toEqual([1, 2]);
    expect(second).toMatchObject({ kind: 'fragment', tile: 3, start: Number(START) / 1000 });
    expect(second!.kind === 'fragment' && Math.round((second!.end - second!.start) * 1000)).toBe(500_001);
    expect(third).toMatchObject({ kind: 'gap', tile: 1 });
    expect(last).toEqual({ kind: 'end', tile: 15 });
  });

  it('say when an answer was broken off, and pass over what is not known', () => {
    const reader = new MessageReader(readFootage);
    expect(reader.push(Uint8Array.from([...head(0, 99, 2), 1, 2]))).toEqual([]);
    reader.push(fragment.length > 0 ? Uint8Array.from(fragment.slice(0, 20)) : new Uint8Array());
    expect(reader.isBroken).toBe(true);
  });
});
