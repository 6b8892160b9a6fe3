import { expect, test } from 'vitest';
import type { FleetCamera } from '../../shared/api/schema';
import { taken, type Fleet } from '../../shared/fleet';
import { barOf, faultsOf } from '../../shared/bars';
import {
  countRows,
  facetsOf,
  filterRows,
  labelsFrom,
  labelsText,
  sortRows,
  withLabel,
  type ListFilter,
} from './list-filter';

const NONE: Fleet = { rows: null, byId: new Map(), asOf: null, failure: null };
const answer = (cameras: FleetCamera[], whole = true, gone: string[] = []) => ({
  as_of: '2026-11-30T07:32:07Z', token: 't', whole, cameras, gone,
}); // prettier-ignore
const of = (id: string, district: string, isp: string, more: Partial<FleetCamera> = {}): FleetCamera => ({
  id, name: id, labels: { district, isp, kelurahan: `${district}-1` }, state: 'recorded', ...more,
}); // prettier-ignore
const CITY = [
  of('Jl. Pahlawan 10', 'Selatan', 'Telkom'),
  of('Jl. Pahlawan 2', 'Selatan', 'Biznet', {
    state: 'down', cause: 'unreachable', class: 'network', since: '2026-11-30T07:00:00Z',
  }),
  of('Tugu Muda', 'Tengah', 'Telkom', {
    state: 'down', cause: 'unauthorized', class: 'camera', since: '2026-11-30T06:00:00Z',
  }),
  of('Gapura', 'Utara', 'Telkom', { state: 'off', cause: 'disabled', class: 'administrative', letter: 'B/4112' }),
]; // prettier-ignore
const rows = taken(NONE, answer(CITY)).rows!;
const filter = (more: Partial<ListFilter>): ListFilter => ({ search: '', state: '', labels: new Map(), ...more });
const ids = (found: readonly { id: string }[]) => found.map((row) => row.id);

test('sorted as people do, and kept by what changes', () => {
  expect(ids(rows)).toEqual(['Gapura', 'Jl. Pahlawan 2', 'Jl. Pahlawan 10', 'Tugu Muda']);
  const before = taken(NONE, answer(CITY));
  const same = taken(before, answer([], false));
  expect(same.rows).toBe(before.rows);
  const changed = taken(before, answer([of('Tugu Muda', 'Tengah', 'Telkom')], false, ['Gapura']));
  expect(ids(changed.rows!)).toEqual(['Jl. Pahlawan 2', 'Jl. Pahlawan 10', 'Tugu Muda']);
  expect(changed.rows![2]!.state).toBe('recorded');
  expect(changed.rows![0]).toBe(before.rows![1]);
  expect(ids(taken(changed, answer([CITY[0]!])).rows!)).toEqual(['Jl. Pahlawan 10']);
});

test('every word, state, kind of cause and label narrow it', () => {
  expect(ids(filterRows(rows, filter({ search: ' pahlawan SELATAN ' })))).toEqual([
    'Jl. Pahlawan 2',
    'Jl. Pahlawan 10',
  ]);
  expect(ids(filterRows(rows, filter({ search: 'b/4112' })))).toEqual(['Gapura']);
  expect(ids(filterRows(rows, filter({ state: 'down' })))).toEqual(['Jl. Pahlawan 2', 'Tugu Muda']);
  expect(ids(filterRows(rows, filter({ state: 'camera' })))).toEqual(['Tugu Muda']);
  const labels = labelsFrom('district=Selatan,district=Tengah,isp=Telkom');
  expect(ids(filterRows(rows, filter({ labels })))).toEqual(['Jl. Pahlawan 10', 'Tugu Muda']);
  expect(labelsText(labels)).toBe('district=Selatan,district=Tengah,isp=Telkom');
  expect(labelsText(withLabel(labels, 'isp', 'Telkom', false))).toBe('district=Selatan,district=Tengah');
  expect(labelsFrom('x,=y,z=').size).toBe(0);
});

test('the three numbers are the whole, and a choice shows what its number says', () => {
  const counts = countRows(rows);
  expect([counts.all, counts.recorded + counts.down + counts.off]).toEqual([4, 4]);
  expect([...counts.byKind]).toEqual([['network', 1], ['camera', 1]]); // prettier-ignore
  const chosen = filter({ state: 'down', labels: labelsFrom('isp=Telkom') });
  for (const facet of facetsOf(rows, chosen))
    for (const { value, count, chosen: on } of facet.values) {
      const only = new Map([...chosen.labels].filter(([key]) => key !== facet.label));
      const labels = withLabel(only, facet.label, value, true);
      expect(filterRows(rows, { ...chosen, labels }).length, `${facet.label} ${value} ${on}`).toBe(count);
    }
  expect(facetsOf(rows, filter({})).map((facet) => facet.label)).toEqual(['district', 'isp']);
  expect(facetsOf(rows, filter({ labels: labelsFrom('district=Utara') })).map((f) => f.label)).toEqual([
    'district', 'kelurahan', 'isp',
  ]); // prettier-ignore
});

test('worst first: what is down longest', () => {
  expect(ids(sortRows([...rows], 'state'))).toEqual(['Tugu Muda', 'Jl. Pahlawan 2', 'Gapura', 'Jl. Pahlawan 10']);
});

test('4,470 cameras are filtered and counted within 50 ms', () => {
  const many = taken(
    NONE,
    answer(Array.from({ length: 4470 }, (_, n) => of(`Jl. ${n}`, `D${n % 16}`, `I${n % 5}`))),
  ).rows!;
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    const asked = filter({ search: 'jl. 4', labels: labelsFrom('isp=I1') });
    expect(filterRows(many, asked).length).toBeGreaterThan(100);
    facetsOf(many, asked);
    countRows(many);
    return performance.now() - began;
  });
  expect(Math.min(...times)).toBeLessThan(50);
});

test('a bar is of what was folded', () => {
  const bar = barOf({
    camera: 'a', recorded_s: 10, missing_s: 2, lengths: [100, 4, 30, 10],
    states: ['footage', 'unreachable', 'footage', 'unknown'],
    classes: [null, 'network', null, null],
  }); // prettier-ignore
  expect(bar.parts.map(({ from, to, kind }) => [from, to, kind])).toEqual([
    [0, 100, 'footage'], [100, 104, 'network'], [104, 134, 'footage'], [134, 144, 'unknown'],
  ]); // prettier-ignore
});

test('what a decision kept from being recorded is no fault', () => {
  const bar = (kinds: Array<'footage' | 'network' | 'decision'>) => ({
    parts: kinds.map((kind, n) => ({ from: n, to: n + 1, kind })),
    recordedS: 30,
    missingS: 10,
  });
  expect(faultsOf(bar(['footage', 'network']))).toEqual({ recordedS: 30, missingS: 10 });
  expect(faultsOf(bar(['footage', 'decision']))).toEqual({ recordedS: 30, missingS: 0 });
  expect(faultsOf(bar(['footage', 'network', 'decision']))).toBeNull();
});
