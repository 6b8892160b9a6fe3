import { describe, expect, it } from 'vitest';
import { sharedQuery, togetherOf, type AwayCamera } from './together';

const T0 = Date.parse('2026-11-30T07:00:00Z');
interface Named extends AwayCamera {
  camera: string;
}
const outage = (camera: string, after_s: number, cause = 'unreachable', labels = {}): Named => ({
  camera,
  labels,
  since: new Date(T0 + after_s * 1000).toISOString(),
  cause,
  class: cause === 'unreachable' ? 'network' : 'camera',
});

describe('what failed together', () => {
  it('is one group for cameras behind one exchange, with what they share', () => {
    const many = Array.from({ length: 23 }, (_, n) =>
      outage(`c${n}`, n * 4, 'unreachable', {
        isp: 'Telkom',
        exchange: 'STO Majapahit',
        district: n % 2 ? 'Pedurungan' : 'Gayamsari',
      }),
    );
    const found = togetherOf([...many, outage('x', 40, 'stalled', { isp: 'Telkom' }), outage('y', 4000)]);
    expect(found.map((group) => group.members.length)).toEqual([23, 1, 1]);
    expect(found[0]!.shared).toEqual([
      ['exchange', 'STO Majapahit'],
      ['isp', 'Telkom'],
    ]);
    expect(found[0]!.since).toBe(T0);
  });
  it('keeps every outage in one group, and names nothing that one camera alone has', () => {
    const some = [0, 100, 221, 1000].map((at, n) => outage(`c${n}`, at, 'unreachable', { owner: 'Dishub' }));
    const found = togetherOf(some);
    expect(found.flatMap((group) => group.members.map((one) => one.camera)).sort()).toEqual(['c0', 'c1', 'c2', 'c3']);
    expect(found.map((group) => group.members.length)).toEqual([2, 1, 1]);
    expect(found[1]!.shared).toEqual([]);
    expect(togetherOf([])).toEqual([]);
  });
  it('is asked for in the list of cameras by what can be said there', () => {
    const shared: [string, string][] = [
      ['exchange', 'STO Majapahit'],
      ['street', 'Jl. Gajah, Jl. Majapahit'],
      ['isp', 'Telkom'],
    ];
    expect(sharedQuery(shared)).toBe('exchange=STO Majapahit,isp=Telkom');
    expect(sharedQuery(shared, 1)).toBe('exchange=STO Majapahit');
    expect(sharedQuery([])).toBe('');
  });
});
