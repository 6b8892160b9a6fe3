// Rules of retention, and which cameras each is for. Pure. Invariant: every camera is of exactly one rule: the first
// label rule that fits, or the default.

import type { Forecast, Retention } from '../../shared/api/schema';

export interface RuleLine {
  /** Empty: the default. */
  match: Readonly<Record<string, string>>;
  maxAgeS: number | null;
  minAgeS: number | null;
  maxBytes: number | null;
  cameras: string[];
  bytesPerS: number;
  oldest: string | null;
}

const fits = (labels: Readonly<Record<string, string>>, match: Readonly<Record<string, string>>): boolean =>
  Object.entries(match).every(([label, value]) => labels[label] === value);

/** Label rules in their order, then the default. */
export function ruleLines(
  rules: Pick<Retention, 'default' | 'labels'>,
  cameras: readonly { id: string; labels: Record<string, string> }[],
  recorded: Forecast['cameras'],
): RuleLine[] {
  const known = new Map(recorded.map((one) => [one.camera, one]));
  const lines = [...rules.labels, { match: {}, ...rules.default }].map((rule) => ({
    match: rule.match,
    maxAgeS: rule.max_age_s,
    minAgeS: rule.min_age_s,
    maxBytes: rule.max_bytes,
    cameras: [] as string[],
    bytesPerS: 0,
    oldest: null as string | null,
  }));
  for (const camera of cameras) {
    const line = lines.find((one) => fits(camera.labels, one.match))!;
    line.cameras.push(camera.id);
    const found = known.get(camera.id);
    if (!found) continue;
    line.bytesPerS += found.bytes_per_s;
    if (found.oldest && (line.oldest === null || found.oldest < line.oldest)) line.oldest = found.oldest;
  }
  return lines;
}

/** `30d`, `12h`, `7 d 12 h`, or days as a number; null where it is none, '' means that there is no such rule. */
export function readAge(text: string): number | null | undefined {
  const written = text.trim().toLowerCase();
  if (written === '') return null;
  const units: Record<string, number> = { d: 86_400, h: 3_600, m: 60, min: 60, s: 1 };
  if (/^\d+(?:[.,]\d+)?$/.test(written)) return Math.round(Number(written.replace(',', '.')) * 86_400);
  const parts = [...written.matchAll(/(\d+(?:[.,]\d+)?)\s*(d|h|min|m|s)\b\s*/g)];
  if (
    parts.length === 0 ||
    parts
      .map((part) => part[0])
      .join('')
      .trim() !== written
  )
    return undefined;
  return Math.round(parts.reduce((sum, [, n, unit]) => sum + Number(n!.replace(',', '.')) * units[unit!]!, 0));
}

/** As `readAge` takes it. */
export function ageText(seconds: number | null): string {
  if (seconds === null) return '';
  const parts: string[] = [];
  let left = Math.round(seconds);
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    left -= count * size;
  }
  return parts.join(' ') || '0 s';
}
