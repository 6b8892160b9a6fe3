import { describe, expect, it } from 'vitest';
import { ageText, readAge, ruleLines } from './rules';

describe('rules of retention', () => {
  it('take every camera once, the first label rule that fits', () => {
    const rule = (match: Record<string, string>) => ({ match, max_age_s: 1, min_age_s: null, max_bytes: null });
    const lines = ruleLines(
      {
        default: { max_age_s: 86_400, min_age_s: null, max_bytes: null },
        labels: [rule({ a: '1', b: '2' }), rule({ a: '1' })],
      },
      [
        { id: 'x', labels: { a: '1', b: '2' } },
        { id: 'y', labels: { a: '1' } },
        { id: 'z', labels: {} },
      ],
      [
        { camera: 'x', bytes_per_s: 5, oldest: '2026-11-02T00:00:00Z' },
        { camera: 'z', bytes_per_s: 7, oldest: '2026-11-01T00:00:00Z' },
      ],
    );
    expect(lines.map((line) => line.cameras)).toEqual([['x'], ['y'], ['z']]);
    expect(lines.map((line) => [line.bytesPerS, line.oldest])).toEqual([
      [5, '2026-11-02T00:00:00Z'],
      [0, null],
      [7, '2026-11-01T00:00:00Z'],
    ]);
  });
  it('read ages as people write them, and back', () => {
    for (const [text, seconds] of [
      ['30d', 2_592_000],
      ['30', 2_592_000],
      ['1,5 d', 129_600],
      ['7 d 12 h', 648_000],
      ['90 min', 5_400],
    ] as const)
      expect(readAge(text)).toBe(seconds);
    expect(readAge('')).toBe(null);
    for (const wrong of ['x', '7 w', '7d x', '-3d', 'd']) expect(readAge(wrong)).toBe(undefined);
    for (const seconds of [1, 59, 3_600, 86_399, 2_592_000, 648_060]) expect(readAge(ageText(seconds))).toBe(seconds);
  });
});
