import { describe, expect, it } from 'vitest';
import type { FleetRow } from '../../shared/fleet';
import { orderSums } from './order-sums';

const camera = (id: string, labels: Record<string, string>, state: FleetRow['state'] = 'recorded'): FleetRow => ({
  id,
  name: id,
  labels,
  state,
  text: '',
});

describe('what an order does to the city', () => {
  it('is counted by district, for citizens and on the map', () => {
    const rows = [
      camera('a', { district: 'Genuk', public: 'yes', latitude: '-6.9', longitude: '110.4' }),
      camera('b', { district: 'Genuk', public: 'YES' }),
      camera('c', { district: 'Tugu', public: 'status' }, 'down'),
      camera('d', { district: 'Tugu', public: 'yes' }, 'off'),
      camera('e', {}),
    ];
    const sums = orderSums(['a', 'c', 'd', 'e', 'gone'], rows);
    expect(sums.districts).toEqual([
      { district: 'Tugu', chosen: 2, all: 2 },
      { district: null, chosen: 1, all: 1 },
      { district: 'Genuk', chosen: 1, all: 2 },
    ]);
    expect([sums.citizens, sums.publicChosen, sums.publicAll]).toEqual([3, 1, 2]);
    expect([sums.onBefore, sums.onAfter]).toEqual([4, 1]);
    expect(sums.places.map(({ row, kind }) => [row.id, kind])).toEqual([['a', 'decision']]);
    expect(orderSums([], rows).districts).toEqual([]);
  });
});
