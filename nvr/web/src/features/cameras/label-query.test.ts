import { describe, expect, it } from 'vitest';
import type { FleetRow } from '../../shared/fleet';
import { labelQuery, NO_LABELS, offeredTerms, typedTerm, withTerm } from './label-query';

const camera = (id: string, labels: Record<string, string>): FleetRow => ({
  id,
  name: id,
  labels,
  state: 'recorded',
  text: '',
});
const ROWS = [
  camera('a', { district: 'Genuk', isp: 'Telkom', latitude: '-6.9' }),
  camera('b', { district: 'Genuk', isp: 'Icon+' }),
  camera('c', { district: 'Tugu', isp: 'Telkom', owner: 'Dinas A, B' }),
];

describe('cameras chosen by labels', () => {
  it('are nothing, all, or what the terms say', () => {
    expect(labelQuery(NO_LABELS)).toBe('');
    expect(labelQuery({ ...NO_LABELS, all: true })).toBe('*');
    const left = [{ label: 'district', values: ['Genuk'] }];
    expect(labelQuery({ ...NO_LABELS, without: left })).toBe('');
    expect(labelQuery({ ...NO_LABELS, all: true, without: left })).toBe('district!=Genuk');
    const two = withTerm(withTerm(withTerm([], 'district', 'Tugu'), 'isp', 'Telkom'), 'district', 'Genuk');
    expect(labelQuery({ ...NO_LABELS, having: two })).toBe('district=Tugu|Genuk,isp=Telkom');
    expect(withTerm(two, 'isp', 'Telkom')).toEqual(two);
    expect(labelQuery({ ...NO_LABELS, having: [{ label: 'owner', values: ['Dinas A, B'] }] })).toBe(
      'owner="Dinas A, B"',
    );
  });
  it('are typed as cameras spell them, and offered by words', () => {
    expect(typedTerm(' DISTRICT = genuk ', ROWS)).toEqual({ label: 'district', value: 'Genuk' });
    expect(typedTerm('isp: Biznet', ROWS)).toEqual({ label: 'isp', value: 'Biznet' });
    expect(typedTerm('genuk', ROWS)).toBeNull();
    expect(offeredTerms(['tel'], ROWS, 5)).toEqual([{ label: 'isp', value: 'Telkom', cameras: 2 }]);
    expect(offeredTerms(['-6.9'], ROWS, 5)).toEqual([]);
    expect(offeredTerms([], ROWS, 1)[0]!.cameras).toBe(2);
  });
});
