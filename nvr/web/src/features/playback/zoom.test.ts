import { describe, expect, it } from 'vitest';
import { LARGEST, movedBy, transformOf, WHOLE, zoomedAt } from './zoom';

describe('a zoom', () => {
  it('keeps what is under the pointer where it is', () => {
    const zoom = zoomedAt(WHOLE, 4, 0.75, 0.25);
    expect(zoom.x + (0.75 - 0.5) / zoom.scale).toBeCloseTo(0.75);
    expect(zoom.y + (0.25 - 0.5) / zoom.scale).toBeCloseTo(0.25);
  });
  it('never shows what is beside the picture', () => {
    let zoom = zoomedAt(WHOLE, 3, 0, 0);
    for (const [dx, dy] of [
      [5, 5],
      [-9, 2],
      [0, -9],
    ] as const) {
      zoom = movedBy(zoom, dx, dy);
      for (const middle of [zoom.x, zoom.y]) {
        expect(middle - 0.5 / zoom.scale).toBeGreaterThanOrEqual(-1e-9);
        expect(middle + 0.5 / zoom.scale).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });
  it('has an end, both ways', () => {
    expect(zoomedAt(WHOLE, 100, 0.5, 0.5).scale).toBe(LARGEST);
    expect(zoomedAt(zoomedAt(WHOLE, 3, 0.9, 0.9), 0.01, 0.1, 0.1)).toEqual(WHOLE);
    expect(transformOf(WHOLE)).toBe('none');
  });
});
