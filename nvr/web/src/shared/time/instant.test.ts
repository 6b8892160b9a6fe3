import { expect, it } from 'vitest';
import { formatInstant, parseInstant } from './instant';

it('keeps every microsecond both ways', () => {
  for (const iso of [
    '2026-11-23T14:05:06.123456Z',
    '2026-11-23T14:05:06.000001Z',
    '2199-12-31T23:59:59.999999Z',
    '2026-11-23T14:05:06.120Z',
  ]) {
    expect(formatInstant(parseInstant(iso))).toBe(iso);
  }
});

it('reads offsets and whole seconds', () => {
  expect(parseInstant('2026-11-23T21:05:06+07:00')).toBe(Date.UTC(2026, 10, 23, 14, 5, 6));
  expect(parseInstant('2026-11-23T21:05:06.5004+07:00')).toBeCloseTo(Date.UTC(2026, 10, 23, 14, 5, 6) + 500.4, 6);
});

it('says what it could not read', () => {
  expect(() => parseInstant('soon')).toThrow('soon');
});
