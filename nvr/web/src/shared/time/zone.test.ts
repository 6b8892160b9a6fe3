import { describe, expect, it } from 'vitest';
import { HOUR } from './instant';
import { dateOf, dayBounds, instantOf, offsetAt, offsetWords, parseDate, shiftDate } from './zone';

const at = (iso: string): number => Date.parse(iso);
const hours = (date: string, zone: string): number => {
  const day = dayBounds(date, zone);
  return (day.end - day.start) / HOUR;
};

describe('a civil day', () => {
  it('is 24 hours from midnight to midnight where clocks do not change', () => {
    expect(dayBounds('2026-11-23', 'Asia/Jakarta')).toEqual({
      start: at('2026-11-22T17:00:00Z'),
      end: at('2026-11-23T17:00:00Z'),
    });
    expect(dayBounds('2026-11-23', 'UTC').start).toBe(at('2026-11-23T00:00:00Z'));
    expect(hours('2026-11-23', 'Asia/Kathmandu')).toBe(24);
  });

  it.each([
    ['2026-03-29', 'Europe/Berlin', 23],
    ['2026-10-25', 'Europe/Berlin', 25],
    ['2026-03-08', 'America/New_York', 23],
    ['2026-11-01', 'America/New_York', 25],
    ['2026-04-05', 'Australia/Lord_Howe', 24.5],
    ['2026-10-04', 'Australia/Lord_Howe', 23.5],
  ])('%s in %s has %d hours', (date, zone, expected) => {
    expect(hours(date, zone)).toBe(expected);
  });

  it('starts when the clock starts where midnight itself is skipped', () => {
    // Cairo, 24 April 2026: 00:00 becomes 01:00.
    const day = dayBounds('2026-04-24', 'Africa/Cairo');
    expect(day.start).toBe(at('2026-04-23T22:00:00Z'));
    expect(dateOf(day.start, 'Africa/Cairo')).toBe('2026-04-24');
    expect(dateOf(day.start - 1, 'Africa/Cairo')).toBe('2026-04-23');
    expect(hours('2026-04-24', 'Africa/Cairo')).toBe(23);
  });

  it('follows the day before without a gap, all year, in zones of every kind', () => {
    for (const zone of [
      'Europe/Berlin',
      'America/Havana',
      'Africa/Cairo',
      'Asia/Jakarta',
      'Australia/Lord_Howe',
      'America/Santiago',
    ]) {
      for (let date = '2026-01-01'; date < '2027-01-01'; date = shiftDate(date, 1)) {
        const day = dayBounds(date, zone);
        expect(dateOf(day.start, zone)).toBe(date);
        expect(dateOf(day.end - 1, zone)).toBe(date);
        expect(dateOf(day.end, zone)).toBe(shiftDate(date, 1));
      }
    }
  });
});

describe('civil times', () => {
  it('take the first of two', () => {
    const twice = { year: 2026, month: 10, day: 25, hour: 2, minute: 30, second: 0 };
    expect(instantOf(twice, 'Europe/Berlin')).toBe(at('2026-10-25T00:30:00Z'));
  });

  it('become the moment of the change when the clock skips them', () => {
    const never = { year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0 };
    expect(instantOf(never, 'Europe/Berlin')).toBe(at('2026-03-29T01:00:00Z'));
  });

  it('know their offset, also before 1970 and with half hours', () => {
    expect(offsetAt(at('2026-07-01T00:00:00Z'), 'Asia/Kolkata')).toBe(5.5 * HOUR);
    expect(offsetWords(at('2026-07-01T00:00:00Z'), 'America/St_Johns')).toBe('−02:30');
    expect(offsetWords(at('2026-07-01T00:00:00.250Z'), 'Asia/Jakarta')).toBe('+07:00');
  });
});

describe('dates', () => {
  it('are refused when they do not exist', () => {
    expect(parseDate('2026-02-29')).toBeNull();
    expect(parseDate('2028-02-29')).toEqual({ year: 2028, month: 2, day: 29 });
    expect(parseDate('yesterday')).toBeNull();
  });
  it('cross months and years', () => {
    expect(shiftDate('2026-12-31', 1)).toBe('2027-01-01');
    expect(shiftDate('2028-03-01', -1)).toBe('2028-02-29');
  });
});
