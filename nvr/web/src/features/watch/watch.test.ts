import { describe, expect, it } from 'vitest';
import type { FleetCamera } from '../../shared/api/schema';
import type { FleetRow } from '../../shared/fleet';
import { MessageReader } from '../../player/messages';
import { readLive, type LiveMessage } from './live-messages';
import { liveAction } from './live-video';
import { outagesOf, withIt } from './outages';
import { columnsOf, idsOf, sizeOf, toggled, turnOf } from './wall-layout';

function message(tile: number, kind: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + body.length);
  bytes.set([tile, kind]);
  new DataView(bytes.buffer).setUint32(4, body.length);
  bytes.set(body, 8);
  return bytes;
}
const text = (words: string) => new TextEncoder().encode(words);

describe('messages', () => {
  const init = { stream: 'live', video: 'avc1.64001f', audio: null, width: 640, height: 360 };
  const times = new Uint8Array(17);
  const view = new DataView(times.buffer);
  view.setBigUint64(0, 1_795_000_000_123_456n);
  view.setBigUint64(8, 1_795_000_000_623_456n);
  times[16] = 7;
  const all = [
    message(2, 0, new Uint8Array([...text(JSON.stringify(init)), 0, 1, 2, 0, 3])),
    message(2, 1, times),
    message(0, 9, text('of a newer server')),
    message(5, 6, text('{"cause":"unreachable","error":""}')),
    message(0, 7, new Uint8Array(0)),
  ];
  const whole = new Uint8Array(all.flatMap((one) => [...one]));
  const wanted: LiveMessage[] = [
    { kind: 'init', tile: 2, init: init as never, data: new Uint8Array([1, 2, 0, 3]) },
    {
      kind: 'fragment',
      tile: 2,
      start: 1_795_000_000_123.456,
      end: 1_795_000_000_623.456,
      data: new Uint8Array([7]),
    },
    { kind: 'away', tile: 5, cause: 'unreachable', error: '' },
    { kind: 'ping' },
  ];
  it.each([1, 3, 8, 40, 1000])('are read however they come, %d bytes at a time', (step) => {
    const reader = new MessageReader(readLive);
    const found: LiveMessage[] = [];
    for (let at = 0; at < whole.length; at += step) found.push(...reader.push(whole.slice(at, at + step)));
    expect(found).toEqual(wanted);
  });
});

describe('a live picture', () => {
  it('is left alone near the newest moment, hurries when late, and jumps when far behind', () => {
    expect(liveAction(0.7)).toEqual({ jump: null, rate: 1 });
    expect(liveAction(1.5).rate).toBeGreaterThan(1);
    expect(liveAction(9)).toEqual({ jump: 0.7, rate: 1 });
    expect(liveAction(-1).jump).toBe(0.7);
  });
});

describe('a wall', () => {
  it('has as many places as are asked for, or as its cameras need', () => {
    expect(sizeOf('16', 3)).toBe(16);
    expect([1, 2, 4, 5, 9, 10, 40].map((n) => sizeOf(null, n))).toEqual([1, 4, 4, 9, 9, 16, 16]);
    expect(sizeOf('7', 2)).toBe(4);
    expect([1, 4, 9, 16].map((n) => columnsOf(n as never, false))).toEqual([1, 2, 3, 4]);
    expect(columnsOf(16, true)).toBe(2);
  });
  it('goes on in turn, both ways round', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    expect(turnOf(ids, 4, 0)).toEqual(['a', 'b', 'c', 'd']);
    expect(turnOf(ids, 4, 1)).toEqual(['e']);
    expect(turnOf(ids, 4, 2)).toEqual(turnOf(ids, 4, 0));
    expect(turnOf(ids, 4, -1)).toEqual(['e']);
    expect(turnOf([], 4, 3)).toEqual([]);
  });
  it('reads each camera of an address once', () => {
    expect(idsOf('a,b,,a')).toEqual(['a', 'b']);
    expect(idsOf(null)).toEqual([]);
    expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
    expect(toggled(['b'], 'a')).toEqual(['b', 'a']);
  });
});

describe('what fails together', () => {
  const down = (id: string, since: string, cause: FleetCamera['cause'], labels: Record<string, string>): FleetRow => ({
    id,
    name: id,
    labels,
    state: 'down',
    cause: cause!,
    class: 'network',
    since: `2026-11-30T07:${since}Z`,
    text: '',
  });
  const exchange = { isp: 'Telkom', district: 'Pedurungan' };
  const rows: FleetRow[] = [
    down('a', '06:12', 'unreachable', exchange),
    down('b', '06:40', 'unreachable', exchange),
    down('c', '07:30', 'unreachable', { isp: 'Telkom', district: 'Genuk' }),
    down('d', '06:20', 'unauthorized', { isp: 'Biznet', district: 'Tugu' }),
    down('e', '25:00', 'unreachable', { isp: 'Biznet', district: 'Tugu' }),
    { id: 'f', name: 'f', labels: exchange, state: 'recorded', text: '' },
  ];
  const outages = outagesOf(rows);
  it('is of one kind and of one time, and says what it shares', () => {
    expect(outages.map((o) => o.members.map(({ id }) => id).join(''))).toEqual(['e', 'd', 'abc']);
    expect(outages[2]!.shared).toEqual([['isp', 'Telkom']]);
    expect(outages[0]!.shared).toEqual([]);
  });
  it('says of a camera how many others went with it', () => {
    expect(withIt(rows[0]!, outages)).toEqual({ count: 2, shared: { isp: 'Telkom' } });
    expect(withIt(rows[3]!, outages).count).toBe(0);
    expect(withIt(rows[5]!, outages).count).toBe(0);
  });
});
