// Which cameras the list shows, and how many each choice would show. Pure, because it runs over thousands of cameras at
// every keystroke. Invariants: the three states are all there is, and their numbers are the whole; the number beside a
// choice is what choosing it shows, with all other filters as they are.

import { hasWords, wordsIn, type FleetRow } from '../../shared/fleet';
import type { FleetState } from '../../shared/api/schema';
import { kindOf, type StateKind } from '../../shared/ui/mark';

/** `label=value`; several values of one label are "or", several labels "and". */
export type LabelChoice = ReadonlyMap<string, ReadonlySet<string>>;

export interface ListFilter {
  search: string;
  /** '' for all; a state, or the kind of cause of those that are down. */
  state: '' | FleetState | StateKind;
  labels: LabelChoice;
}

export function labelsFrom(text: string | null): LabelChoice {
  const found = new Map<string, Set<string>>();
  for (const part of (text ?? '').split(',')) {
    const at = part.indexOf('=');
    if (at < 1 || at === part.length - 1) continue;
    const key = part.slice(0, at);
    found.set(key, (found.get(key) ?? new Set()).add(part.slice(at + 1)));
  }
  return found;
}

export function labelsText(labels: LabelChoice): string {
  return [...labels].flatMap(([key, values]) => [...values].map((value) => `${key}=${value}`)).join(',');
}

export function withLabel(labels: LabelChoice, key: string, value: string, on: boolean): LabelChoice {
  const next = new Map([...labels].map(([name, values]) => [name, new Set(values)] as const));
  const values = next.get(key) ?? new Set();
  if (on) values.add(value);
  else values.delete(value);
  if (values.size > 0) next.set(key, values);
  else next.delete(key);
  return next;
}

function inState(row: FleetRow, state: ListFilter['state']): boolean {
  if (state === '') return true;
  if (state === 'recorded' || state === 'down' || state === 'off') return row.state === state;
  return row.state === 'down' && kindOf(row.class ?? 'unknown') === state;
}

function inLabels(row: FleetRow, labels: LabelChoice, except: string | null): boolean {
  for (const [key, values] of labels) if (key !== except && !values.has(row.labels[key] ?? '')) return false;
  return true;
}

export function filterRows(rows: readonly FleetRow[], filter: ListFilter): FleetRow[] {
  const words = wordsIn(filter.search);
  return rows.filter((row) => inState(row, filter.state) && inLabels(row, filter.labels, null) && hasWords(row, words));
}

export interface Counts {
  all: number;
  recorded: number;
  down: number;
  off: number;
  /** Of those that are down. */
  byKind: ReadonlyMap<StateKind, number>;
}

export function countRows(rows: readonly FleetRow[]): Counts {
  const counts = { recorded: 0, down: 0, off: 0 };
  const byKind = new Map<StateKind, number>();
  for (const row of rows) {
    counts[row.state] += 1;
    if (row.state !== 'down') continue;
    const kind = kindOf(row.class ?? 'unknown');
    byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
  }
  return { all: rows.length, ...counts, byKind };
}

export interface Facet {
  label: string;
  values: Array<{ value: string; count: number; chosen: boolean }>;
}

/** What says where a camera is comes first; what differs for each camera is no facet. */
const FIRST = ['district', 'kelurahan', 'isp', 'owner', 'location'];
const NONE = new Set(['latitude', 'longitude', 'lat', 'lon', 'public']);
const MOST_VALUES = 80;

export function facetsOf(rows: readonly FleetRow[], filter: ListFilter): Facet[] {
  const words = wordsIn(filter.search);
  const every = new Map<string, Set<string>>();
  for (const row of rows)
    for (const [key, value] of Object.entries(row.labels)) {
      if (NONE.has(key)) continue;
      const values = every.get(key) ?? new Set<string>();
      values.add(value);
      every.set(key, values);
    }
  const keys = [...every]
    .filter(([key, values]) => filter.labels.has(key) || (values.size > 1 && values.size <= MOST_VALUES))
    // A kelurahan says little among 177 of them: once a district is chosen.
    .filter(([key]) => key !== 'kelurahan' || filter.labels.has('district') || filter.labels.has('kelurahan'))
    .map(([key]) => key)
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  if (!keys.includes('kelurahan') && filter.labels.has('district') && every.has('kelurahan'))
    keys.splice(keys.indexOf('district') + 1, 0, 'kelurahan');
  const others = rows.filter((row) => inState(row, filter.state) && hasWords(row, words));
  return keys.map((label) => {
    const counts = new Map<string, number>();
    for (const row of others) {
      const value = row.labels[label];
      if (value && inLabels(row, filter.labels, label)) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const chosen = filter.labels.get(label) ?? new Set<string>();
    for (const value of chosen) if (!counts.has(value)) counts.set(value, 0);
    const values = [...counts].map(([value, count]) => ({ value, count, chosen: chosen.has(value) }));
    values.sort((a, b) => Number(b.chosen) - Number(a.chosen) || b.count - a.count || (a.value < b.value ? -1 : 1));
    return { label, values };
  });
}

function rank(key: string): number {
  const at = FIRST.indexOf(key);
  return at < 0 ? FIRST.length : at;
}

export type SortBy = 'name' | 'state' | 'place';

const WORST: Record<FleetState, number> = { down: 0, off: 1, recorded: 2 };

/** By name they are in order already. Those that are down longest come first by state. */
export function sortRows(rows: FleetRow[], by: SortBy): FleetRow[] {
  if (by === 'name') return rows;
  const place = (row: FleetRow): string => `${row.labels['district'] ?? '~'} ${row.labels['kelurahan'] ?? ''}`;
  return [...rows].sort((a, b) =>
    by === 'place'
      ? place(a).localeCompare(place(b))
      : WORST[a.state] - WORST[b.state] || ((a.since ?? '') < (b.since ?? '') ? -1 : 1),
  );
}
