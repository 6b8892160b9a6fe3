import { describe, expect, it } from 'vitest';
import { bytes, clock, dateTime, duration, percent, period, shortDateTime, utc, zoneName } from './format';

const t = Date.parse('2026-11-23T14:05:06.9Z');

describe('times', () => {
  it('are shown in the display zone and the language', () => {
    expect(dateTime(t, 'en', 'Asia/Jakarta')).toBe('23 Nov 2026 21:05:06 WIB');
    expect(dateTime(t, 'id', 'Asia/Jakarta')).toBe('23 Nov 2026 21.05.06 WIB');
    expect(clock(Date.parse('2026-11-22T17:00:00Z'), 'en', 'Asia/Jakarta')).toBe('00:00:00');
    expect(utc(t)).toBe('2026-11-23 14:05:06 UTC');
  });
  it('name the zone as people there do, and as it is at that time of year', () => {
    expect(zoneName(t, 'en', 'Asia/Makassar')).toBe('WITA');
    expect(zoneName(Date.parse('2026-07-01T00:00:00Z'), 'en', 'Europe/Berlin')).toBe('CEST');
    expect(zoneName(t, 'en', 'Europe/Berlin')).toBe('CET');
  });
  it('of a period name the second date only if it is another', () => {
    const end = Date.parse('2026-11-23T16:00:00Z');
    expect(period(t, end, 'en', 'Asia/Jakarta')).toBe('23 Nov 2026 21:05:06 – 23:00:00 WIB');
    expect(period(t, end + 3_600_000, 'en', 'Asia/Jakarta')).toBe('23 Nov 2026 21:05:06 – 24 Nov 2026 00:00:00 WIB');
  });
  it('leave out the date of today, in the zone’s sense of today', () => {
    expect(shortDateTime(t, Date.parse('2026-11-23T16:59:59Z'), 'en', 'Asia/Jakarta')).toBe('21:05:06 WIB');
    expect(shortDateTime(t, Date.parse('2026-11-23T17:00:00Z'), 'en', 'Asia/Jakarta')).toBe('23 Nov 2026 21:05:06 WIB');
  });
});

describe('durations', () => {
  it.each([
    [0, '0 s'],
    [0.02, '0.1 s'],
    [2.44, '2.4 s'],
    [9.97, '10 s'],
    [60, '1 min'],
    [64, '1 min 4 s'],
    [3600, '1 h'],
    [7505, '2 h 5 min'],
    [86400, '1 d'],
    [90000, '1 d 1 h'],
    [86459, '1 d'],
    [3601, '1 h'],
  ])('%d s is %s', (seconds, words) => {
    expect(duration(seconds, 'en')).toBe(words);
  });
  it('use the language’s units and decimal sign', () => {
    expect(duration(2.4, 'id')).toBe('2,4 dtk');
    expect(duration(7505, 'id')).toBe('2 jam 5 mnt');
  });
});

describe('percentages', () => {
  it('never round a gap away', () => {
    expect(percent(86399.9999, 86400, 'en')).toBe('99.99%');
    expect(percent(86400, 86400, 'en')).toBe('100%');
    expect(percent(0.001, 86400, 'en')).toBe('0%');
    expect(percent(0, 0, 'en')).toBe('–');
    expect(percent(1, 3, 'id')).toBe('33,33%');
  });
});

it('bytes are decimal', () => {
  expect(bytes(999, 'en')).toBe('999 B');
  expect(bytes(1_500_000, 'en')).toBe('1.5 MB');
  expect(bytes(96_600_000_000_000, 'id')).toBe('97 TB');
});
