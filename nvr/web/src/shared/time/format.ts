// Times and lengths of time as people read them, in the display zone and the chosen language.

import { wordsOf, type Lang } from '../i18n';
import { SECOND, type Instant } from './instant';

/** Indonesia's zones have names that everyone there uses and that Intl only knows in Indonesian. */
const ZONE_NAMES: Record<string, string> = {
  'Asia/Jakarta': 'WIB',
  'Asia/Pontianak': 'WIB',
  'Asia/Makassar': 'WITA',
  'Asia/Ujung_Pandang': 'WITA',
  'Asia/Jayapura': 'WIT',
  UTC: 'UTC',
  'Etc/UTC': 'UTC',
};

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(lang: Lang, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${lang} ${zone} ${JSON.stringify(options)}`;
  let found = cache.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(wordsOf(lang).locale, { timeZone: zone, hourCycle: 'h23', ...options });
    cache.set(key, found);
  }
  return found;
}

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
const DATE = { day: 'numeric', month: 'short', year: 'numeric' } as const;

export function zoneName(instant: Instant, lang: Lang, zone: string): string {
  const known = ZONE_NAMES[zone];
  if (known) return known;
  const parts = formatter(lang, zone, { timeZoneName: 'short' }).formatToParts(instant);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone;
}

/** 14:05:06 */
export function clock(instant: Instant, lang: Lang, zone: string): string {
  return formatter(lang, zone, CLOCK).format(instant);
}

/** 14:05 */
export function clockMinutes(instant: Instant, lang: Lang, zone: string): string {
  return formatter(lang, zone, { hour: '2-digit', minute: '2-digit' }).format(instant);
}

/** 23 Nov 2026 */
export function date(instant: Instant, lang: Lang, zone: string): string {
  return formatter(lang, zone, DATE).format(instant);
}

/** Monday, 23 November 2026 */
export function longDate(instant: Instant, lang: Lang, zone: string): string {
  return formatter(lang, zone, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(instant);
}

/** 23 Nov 2026 14:05:06 WIB */
export function dateTime(instant: Instant, lang: Lang, zone: string): string {
  return `${date(instant, lang, zone)} ${clock(instant, lang, zone)} ${zoneName(instant, lang, zone)}`;
}

/** The same, without the date on the day that it is anyway: for lists of things that mostly happened today. */
export function shortDateTime(instant: Instant, now: Instant, lang: Lang, zone: string): string {
  const today = date(instant, lang, zone) === date(now, lang, zone);
  return today ? `${clock(instant, lang, zone)} ${zoneName(instant, lang, zone)}` : dateTime(instant, lang, zone);
}

/** 23 Nov 2026 14:05:06 – 15:00:00 WIB; the second date only if it is another. */
export function period(start: Instant, end: Instant, lang: Lang, zone: string): string {
  const [from, to] = [date(start, lang, zone), date(end, lang, zone)];
  const until = `${from === to ? '' : `${to} `}${clock(end, lang, zone)} ${zoneName(end, lang, zone)}`;
  return `${from} ${clock(start, lang, zone)} – ${until}`;
}

/** 2026-11-23 07:05:06 UTC: the same in every language, so that two people can compare it. */
export function utc(instant: Instant): string {
  return `${new Date(Math.floor(instant)).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** "2 h 5 min", "1 min 4 s", "0.4 s": the two largest units, and never "0 s" for something that happened. */
export function duration(seconds: number, lang: Lang): string {
  const u = wordsOf(lang).units;
  if (seconds <= 0) return `0 ${u.second}`;
  if (seconds < 9.95) {
    const tenths = Math.max(0.1, Math.round(seconds * 10) / 10);
    return `${String(tenths).replace('.', u.decimal)} ${u.second}`;
  }
  const whole = Math.round(seconds);
  const parts: Array<[number, string]> = [
    [Math.floor(whole / 86400), u.day],
    [Math.floor(whole / 3600) % 24, u.hour],
    [Math.floor(whole / 60) % 60, u.minute],
    [whole % 60, u.second],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ');
}

export function durationBetween(start: Instant, end: Instant, lang: Lang): string {
  return duration((end - start) / SECOND, lang);
}

/** Rounded down, so that a day with a gap never reads 100 %. */
export function percent(part: number, whole: number, lang: Lang): string {
  if (whole <= 0) return '–';
  const value = part >= whole ? 100 : Math.min(99.99, Math.floor((part / whole) * 10000) / 100);
  return `${new Intl.NumberFormat(wordsOf(lang).locale, { maximumFractionDigits: 2 }).format(value)}%`;
}

export function number(value: number, lang: Lang, digits = 0): string {
  return new Intl.NumberFormat(wordsOf(lang).locale, { maximumFractionDigits: digits }).format(value);
}

/** Decimal units, as disks and uplinks are sold. */
export function bytes(count: number, lang: Lang): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, lang, value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}
