// What the palette finds for what was typed: a moment and the cameras of it, cameras, places, cases, letters, pages.
// Pure. Invariant: what it offers first is what was meant most likely, and it never offers what leads nowhere.

import { hasWords, wordsIn, type FleetRow } from '../shared/fleet';
import type { Instant } from '../shared/time/instant';
import { parseUsual } from '../shared/time/usual';

export interface Place {
  label: string;
  value: string;
  count: number;
}

export interface Named {
  /** What is read. */
  text: string;
  more: string;
  href: string;
  /** What a search looks through. */
  search: string;
}

export interface Found {
  at: Instant | null;
  words: string[];
  /** Cameras that go with all words. */
  cameras: FleetRow[];
  count: number;
  places: Place[];
  cases: Named[];
  letters: Named[];
  pages: Named[];
}

const MOST = 6;
/** Labels whose values are places. */
export const PLACE_LABELS = ['location', 'kelurahan', 'district'] as const;

export function search(
  text: string,
  now: Instant,
  zone: string,
  sources: {
    cameras: readonly FleetRow[];
    cases: readonly Named[];
    letters: readonly Named[];
    pages: readonly Named[];
  },
): Found {
  const moment = parseUsual(text, now, zone);
  const words = wordsIn(moment ? moment.rest : text);
  const fits = (one: Named): boolean => words.length > 0 && words.every((word) => one.search.includes(word));
  const found: FleetRow[] = [];
  const places = new Map<string, Place>();
  let count = 0;
  if (words.length > 0) {
    for (const row of sources.cameras) {
      if (!hasWords(row, words)) continue;
      count += 1;
      if (found.length < MOST) found.push(row);
      for (const label of PLACE_LABELS) {
        const value = row.labels[label];
        if (!value || !words.every((word) => value.toLocaleLowerCase().includes(word))) continue;
        const key = `${label}=${value}`;
        const place = places.get(key) ?? { label, value, count: 0 };
        place.count += 1;
        places.set(key, place);
      }
    }
  }
  return {
    at: moment?.at ?? null,
    words,
    cameras: found,
    count,
    places: [...places.values()].sort((a, b) => b.count - a.count).slice(0, 4),
    cases: sources.cases.filter(fits).slice(0, MOST),
    letters: sources.letters.filter(fits).slice(0, MOST),
    pages: (words.length === 0 && !moment ? sources.pages : sources.pages.filter(fits)).slice(0, words.length ? 4 : 20),
  };
}

/** A text in parts, those that were searched for marked. */
export function marked(text: string, words: readonly string[]): Array<{ text: string; hit: boolean }> {
  if (words.length === 0) return [{ text, hit: false }];
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return text
    .split(new RegExp(`(${escaped.join('|')})`, 'gi'))
    .filter(Boolean)
    .map((part) => ({ text: part, hit: words.includes(part.toLocaleLowerCase()) }));
}
