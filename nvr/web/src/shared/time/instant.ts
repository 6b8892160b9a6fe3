// Instants: milliseconds since the Unix epoch, UTC, as a JavaScript number with the microseconds as its fraction.
// Invariant: parseInstant(formatInstant(t)) === t for every whole microsecond up to the year 2200.

/** Milliseconds with a fraction; never a local time. */
export type Instant = number;

/** Date.parse drops digits after the millisecond; a boundary that is cut short would lie inside the gap before it. */
export function parseInstant(iso: string): Instant {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new Error(`not a time: ${iso}`);
  const fraction = /\.\d{3}(\d{1,3})/.exec(iso)?.[1];
  return fraction ? ms + Number(fraction.padEnd(3, '0')) / 1000 : ms;
}

export function formatInstant(instant: Instant): string {
  const us = Math.round(instant * 1000);
  const ms = Math.floor(us / 1000);
  const rest = us - ms * 1000;
  const iso = new Date(ms).toISOString();
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
