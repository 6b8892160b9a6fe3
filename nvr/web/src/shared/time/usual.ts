// A moment as people write it: `14:05`, `14.05.30`, `29/11 14:05`, `29-11-2026 14.05`, `29 Nov 2026 14:05:30.5`,
// `2026-11-29 14:05`, `kemarin 14.05`, `now`, with `UTC` or `Z` behind it where it is not the display zone's. Pure.
// Invariants: the day comes before the month; a moment without a date lies in the last 24 hours, a date without a year
// in the last year; what can't be a date or a time is never turned into one.

import { HOUR, type Instant } from './instant';
import { civil, dateOf, instantOf, parseDate, shiftDate } from './zone';

export interface Usual {
  at: Instant;
  /** Whether a date, or a time of the day, was written; of a date alone `at` is its midnight. */
  hasDate: boolean;
  hasTime: boolean;
  /** What else was written. */
  rest: string;
}

const MONTHS: Record<string, number> = {
  jan: 1, januari: 1, january: 1, feb: 2, februari: 2, february: 2, mar: 3, maret: 3, march: 3, apr: 4, april: 4,
  may: 5, mei: 5, jun: 6, juni: 6, june: 6, jul: 7, juli: 7, july: 7, aug: 8, agu: 8, agt: 8, agustus: 8, august: 8,
  sep: 9, sept: 9, september: 9, oct: 10, okt: 10, oktober: 10, october: 10, nov: 11, november: 11, dec: 12, des: 12,
  desember: 12, december: 12,
}; // prettier-ignore
const DAYS: Record<string, number> = {
  today: 0, 'hari ini': 0, yesterday: -1, kemarin: -1, 'kemarin lusa': -2,
}; // prettier-ignore
const NOW = /^(now|sekarang)$/i;

const CLOCK = /(?<![\d./:-])([01]?\d|2[0-4])([:.])([0-5]\d)(?:\2([0-5]\d)(?:[.,](\d{1,6}))?)?(?![\d/:-]|\.\d)/;
const DATES: ReadonlyArray<[RegExp, (m: RegExpExecArray) => [number | null, number, number]]> = [
  [/(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?=\D|$)/, (m) => [Number(m[1]), Number(m[2]), Number(m[3])]],
  [
    /(?<![\d.])(\d{1,2})(?:([./-])(\d{1,2})\2(\d{4})|([/-])(\d{1,2})\5(\d{2}))(?=[^\d.]|$)/,
    (m) => [Number(m[4] ?? `20${m[7]}`), Number(m[3] ?? m[6]), Number(m[1])],
  ],
  [/(?<![\d./-])(\d{1,2})\/(\d{1,2})(?![\d/])/, (m) => [null, Number(m[2]), Number(m[1])]],
];
const NAMED = /(?<![\d./-])(\d{1,2})\.?\s+([a-z]{3,9})\.?(?:\s+(\d{4}))?(?![\d:.])/i;

interface Found {
  year: number | null;
  month: number;
  day: number;
  text: string;
}

function dateIn(text: string, today: string): Found | null {
  for (const [pattern, read] of DATES) {
    const match = pattern.exec(text);
    if (!match) continue;
    const [year, month, day] = read(match);
    return { year, month, day, text: match[0] };
  }
  const named = NAMED.exec(text);
  const month = named ? MONTHS[named[2]!.toLowerCase()] : undefined;
  if (named && month !== undefined)
    return { year: named[3] ? Number(named[3]) : null, month, day: Number(named[1]), text: named[0] };
  for (const word of Object.keys(DAYS).sort((a, b) => b.length - a.length)) {
    const match = new RegExp(`(?<!\\S)${word}(?!\\S)`, 'i').exec(text);
    if (!match) continue;
    const d = parseDate(shiftDate(today, DAYS[word]!))!;
    return { ...d, text: match[0] };
  }
  return null;
}

/** Null: no moment is written there, or one that can't be. */
export function parseUsual(text: string, now: Instant, zone: string): Usual | null {
  let rest = ` ${text} `;
  if (NOW.test(text.trim())) return { at: now, hasDate: true, hasTime: true, rest: '' };
  // As addresses and logs have it.
  const iso = /(\d{4}-\d{2}-\d{2})T(?=\d)/.exec(rest);
  if (iso) rest = rest.replace(iso[0], `${iso[1]} `);
  const inUtc = /(?<=\d)\s*(?:UTC|Z)(?![A-Za-z])/i.exec(rest);
  if (inUtc) rest = rest.replace(inUtc[0], '');
  const of = inUtc ? 'UTC' : zone;
  const today = dateOf(now, of);
  const found = dateIn(rest, today);
  if (found) rest = rest.replace(found.text, ' ');
  const clock = CLOCK.exec(rest);
  if (clock) rest = rest.replace(clock[0], ' ');
  if (!found && !clock) return null;
  const hour = clock ? Number(clock[1]) : 0;
  const minute = clock ? Number(clock[3]) : 0;
  const second = clock?.[4] ? Number(clock[4]) : 0;
  if (hour === 24 && (minute > 0 || second > 0)) return null;
  const fractionMs = clock?.[5] ? Number(`0.${clock[5]}`) * 1000 : 0;
  const moment = (year: number, month: number, day: number): Instant | null => {
    const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
    const real = parseDate(text);
    return real && instantOf({ ...real, hour, minute, second }, of) + fractionMs;
  };
  let at: Instant | null;
  if (!found) {
    const c = parseDate(today)!;
    at = moment(c.year, c.month, c.day)!;
    if (at > now) {
      const before = parseDate(shiftDate(today, -1))!;
      at = moment(before.year, before.month, before.day);
    }
  } else if (found.year !== null) at = moment(found.year, found.month, found.day);
  else {
    const year = civil(now, of).year;
    at = moment(year, found.month, found.day);
    // Of a day that is still to come, last year's is meant.
    if (at !== null && at > now + 24 * HOUR) at = moment(year - 1, found.month, found.day);
  }
  if (at === null) return null;
  return { at, hasDate: found !== null, hasTime: clock !== null, rest: rest.replace(/\s+/g, ' ').trim() };
}

/** As the field shows it: `29/11/2026 14:05:30`, with the fraction where there is one; `mark` parts the time. */
export function usualText(at: Instant, zone: string, mark = ':'): string {
  const c = civil(at, zone);
  const two = (n: number): string => String(n).padStart(2, '0');
  const us = Math.round((at - Math.floor(at / 1000) * 1000) * 1000);
  const fraction = us === 0 ? '' : `${mark === '.' ? ',' : '.'}${String(us).padStart(6, '0').replace(/0+$/, '')}`;
  const clock = [c.hour, c.minute, c.second].map(two).join(mark);
  return `${two(c.day)}/${two(c.month)}/${c.year} ${clock}${fraction}`;
}

const PARTS = ['day', 'month', 'year', 'hour', 'minute', 'second'] as const;

/** What the arrow keys do: the part under the caret goes up or down by one, and the others follow as on a clock. */
export function turned(at: Instant, caret: number, by: number, zone: string): Instant {
  const starts = [0, 3, 6, 11, 14, 17];
  const index = starts.reduce((found, start, n) => (caret >= start ? n : found), 0);
  const part = PARTS[index]!;
  const c = civil(at, zone);
  const fraction = at - Math.floor(at / 1000) * 1000;
  if (part === 'day' || part === 'hour' || part === 'minute' || part === 'second') {
    if (part !== 'day') return at + by * { hour: HOUR, minute: 60_000, second: 1000 }[part];
    const d = parseDate(shiftDate(dateOf(at, zone), by))!;
    return instantOf({ ...c, ...d }, zone) + fraction;
  }
  const months = c.year * 12 + c.month - 1 + by * (part === 'year' ? 12 : 1);
  const [year, month] = [Math.floor(months / 12), (months % 12) + 1];
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return instantOf({ ...c, year, month, day: Math.min(c.day, last) }, zone) + fraction;
}
