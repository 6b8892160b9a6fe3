import { expect, it } from 'vitest';
import { gapBefore, nextGap } from './gap-jump';
import { camerasOf, columnsFor } from './layout';

const gaps = [
  { start: 1000, end: 5000 },
  { start: 20_000, end: 21_000 },
];

it('goes from gap to gap and stops at the last', () => {
  expect(nextGap(gaps, 0)).toBe(1000);
  expect(nextGap(gaps, 1000)).toBe(20_000);
  expect(nextGap(gaps, 20_000)).toBeNull();
  expect(gapBefore(gaps, 30_000)).toBe(20_000);
  expect(gapBefore(gaps, 20_000)).toBe(1000);
  expect(gapBefore(gaps, 1000)).toBeNull();
});

it('takes the cameras of an address, each once and no more than there are tiles', () => {
  expect(camerasOf(new URLSearchParams('cameras=a,b,,a&camera=c'))).toEqual(['a', 'b', 'c']);
  expect(camerasOf(new URLSearchParams(`cameras=${Array.from({ length: 30 }, (_, i) => i).join(',')}`))).toHaveLength(
    16,
  );
  expect(camerasOf(new URLSearchParams())).toEqual([]);
  expect([1, 2, 4, 5, 9, 10, 16].map(columnsFor)).toEqual([1, 2, 2, 3, 3, 4, 4]);
});
