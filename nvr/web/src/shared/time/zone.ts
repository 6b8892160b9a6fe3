// Civil time of an IANA zone, from Intl alone. A civil day is what the calendar says: 23 or 25 hours where clocks
// change. Invariants: dayBounds(d).end === dayBounds(nextDay(d)).start; dateOf(t) === d exactly for t in dayBounds(d).

import { HOUR, MINUTE, type Instant } from './instant';

/** `YYYY-MM-DD` */
export type CivilDate = string;

export interface Civil {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let found = formats.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      calendar: 'gregory',
      numberingSystem: 'latn',
    });
    formats.set(zone, found);
  }
  return found;
}

export function civil(instant: Instant, zone: string): Civil {
  const out: Record<string, number> = {};
  for (const part of format(zone).formatToParts(instant)) out[part.type] = Number(part.value);
  return {
    year: out.year!,
    month: out.month!,
    day: out.day!,
    hour: out.hour!,
    minute: out.minute!,
    second: out.second!,
  };
}

function asUtc(c: Civil): number {
  return Date.UTC(c.year, c.month - 1, c.day, c.hour, c.minute, c.second);
}

/** How far the zone's clock is ahead of UTC at that instant, in milliseconds. */
export function offsetAt(instant: Instant, zone: string): number {
  const whole = Math.floor(instant / 1000) * 1000;
  return asUtc(civil(whole, zone)) - whole;
}

/**
 * The instant at which the zone's clock shows that civil time. A time that happens twice means the first of the two; a
 * time that the clock skips means the instant of the skip.
 */
export function instantOf(c: Civil, zone: string): Instant {
  const local = asUtc(c);
  // No zone changes its offset twice within a day, so the two neighbours' offsets are the only candidates.
  const before = offsetAt(local - 24 * HOUR, zone);
  const after = offsetAt(local + 24 * HOUR, zone);
  const fits = [local - before, local - after].filter((t) => t + offsetAt(t, zone) === local);
  if (fits.length > 0) return Math.min(...fits);
  return transition(local - 24 * HOUR - before, local + 24 * HOUR - after, zone);
}

/** The one change of offset in [from, to), to the second. */
function transition(from: Instant, to: Instant, zone: string): Instant {
  const old = offsetAt(from, zone);
  let low = from;
  let high = to;
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(middle, zone) === old) low = middle;
    else high = middle;
  }
  return high;
}

export function parseDate(date: CivilDate): { year: number; month: number; day: number } | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const check = new Date(Date.UTC(year, month - 1, day));
  return check.getUTCMonth() === month - 1 && check.getUTCDate() === day ? { year, month, day } : null;
}

export function dateOf(instant: Instant, zone: string): CivilDate {
  const c = civil(instant, zone);
  return `${String(c.year).padStart(4, '0')}-${two(c.month)}-${two(c.day)}`;
}

export function shiftDate(date: CivilDate, days: number): CivilDate {
  const d = parseDate(date);
  if (!d) throw new Error(`not a date: ${date}`);
  return new Date(Date.UTC(d.year, d.month - 1, d.day + days)).toISOString().slice(0, 10);
}

export function dayBounds(date: CivilDate, zone: string): { start: Instant; end: Instant } {
  return { start: midnight(date, zone), end: midnight(shiftDate(date, 1), zone) };
}

function midnight(date: CivilDate, zone: string): Instant {
  const d = parseDate(date);
  if (!d) throw new Error(`not a date: ${date}`);
  return instantOf({ ...d, hour: 0, minute: 0, second: 0 }, zone);
}

/** `+07:00`, as of that instant. */
export function offsetWords(instant: Instant, zone: string): string {
  const minutes = Math.round(offsetAt(instant, zone) / MINUTE);
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
