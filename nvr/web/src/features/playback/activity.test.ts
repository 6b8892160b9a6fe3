import { expect, it } from 'vitest';
import type { Activity } from '../../shared/api/schema';
import { passagesOf, placeOfPicture, pointsOf, regionBetween } from './activity';

const answer: Activity = {
  camera: 'gate',
  start: '2026-11-29T07:00:00Z',
  end: '2026-11-29T07:01:00Z',
  pending: 0,
  apart_s: 2,
  first: '2026-11-29T07:00:00Z',
  steps_ms: [2000, 2000, 2000, 2000, 2000, 20000],
  shares: [0, 0.1, 0, 0.3, 0, 0, 0.05],
};

it('joins what moved in neighbouring keyframes', () => {
  const points = pointsOf(answer);
  const zero = points[0]!.at;
  expect(points.map(({ at }) => (at - zero) / 1000)).toEqual([0, 2, 4, 6, 8, 10, 30]);
  const found = passagesOf(points, 2000);
  expect(found.map(({ start, end, most }) => [(start - zero) / 1000, (end - zero) / 1000, most])).toEqual([
    [2, 8, 0.3],
    [30, 32, 0.05],
  ]);
  expect(passagesOf([], 2000)).toEqual([]);
});

it('knows where in a box a picture lies, and what is drawn on it', () => {
  expect(placeOfPicture({ width: 400, height: 300 }, { width: 640, height: 240 })).toEqual({
    left: 0,
    top: 0.25,
    right: 1,
    bottom: 0.75,
  });
  expect(placeOfPicture({ width: 400, height: 300 }, { width: 0, height: 0 }).right).toBe(1);
  const region = regionBetween({ x: 0.75, y: 1.4 }, { x: 0.25, y: 0.5 })!;
  expect(region).toEqual({ left: 0.25, top: 0.5, right: 0.75, bottom: 1 });
  expect(regionBetween({ x: 0.5, y: 0.5 }, { x: 0.505, y: 0.9 })).toBeNull();
});
