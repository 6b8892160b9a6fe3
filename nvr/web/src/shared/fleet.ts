// The list of cameras as the whole page has it: loaded once, then kept by what changes. Who shows it uses `useFleet`;
// while nobody does, and while the page is hidden, nothing is asked.

import { useEffect } from 'preact/hooks';
import { session } from '../session';
import * as api from './api/client';
import type { FleetCamera, FleetList } from './api/schema';
import { createStore, useStore } from './store';
import { parseInstant, type Instant } from './time/instant';

const EVERY_MS = 5000;
const SLOWEST_MS = 30_000;

/** `text`: what a search looks through, in small letters. */
export interface FleetRow extends FleetCamera {
  text: string;
}

export interface Fleet {
  /** By name, as people sort them. Null: not loaded yet. */
  rows: readonly FleetRow[] | null;
  byId: ReadonlyMap<string, FleetRow>;
  asOf: Instant | null;
  failure: unknown;
}

const EMPTY: Fleet = { rows: null, byId: new Map(), asOf: null, failure: null };

export const fleet = createStore<Fleet>(EMPTY);

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function rowOf(camera: FleetCamera): FleetRow {
  const labels = Object.entries(camera.labels).map(([key, value]) => `${key}=${value}`);
  return { ...camera, text: [camera.id, camera.name, camera.letter ?? '', ...labels].join('\n').toLocaleLowerCase() };
}

/** The list after an answer. Rows that did not change stay the same objects, so that nothing is drawn anew for them. */
export function taken(before: Fleet, answer: FleetList): Fleet {
  const asOf = parseInstant(answer.as_of);
  const isSame = !answer.whole && answer.cameras.length === 0 && answer.gone.length === 0;
  if (isSame && before.rows) return { ...before, asOf, failure: null };
  const byId = new Map(answer.whole ? [] : before.byId);
  for (const id of answer.gone) byId.delete(id);
  let resort = answer.whole || answer.gone.length > 0;
  for (const camera of answer.cameras) {
    const known = byId.get(camera.id);
    resort ||= known?.name !== camera.name;
    byId.set(camera.id, rowOf(camera));
  }
  const rows = resort
    ? [...byId.values()].sort((a, b) => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1))
    : before.rows!.map((row) => byId.get(row.id)!);
  return { rows, byId, asOf, failure: null };
}

let watchers = 0;
let token: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let asking: AbortController | null = null;
let failures = 0;

async function look(): Promise<void> {
  clearTimeout(timer);
  if (asking || watchers === 0 || document.hidden) return;
  const mine = (asking = new AbortController());
  try {
    const answer = await api.fleetChanges(token, mine.signal);
    token = answer.token;
    failures = 0;
    fleet.set(taken(fleet.get(), answer));
  } catch (error) {
    failures += 1;
    // Who may see no camera any more sees none; else what was known stays, with a word about it.
    const isForbidden = error instanceof api.ApiError && error.status === 403;
    if (isForbidden) token = null;
    if (!mine.signal.aborted)
      fleet.set(isForbidden ? { ...EMPTY, rows: [], failure: error } : { ...fleet.get(), failure: error });
  } finally {
    if (asking === mine) asking = null;
  }
  if (watchers > 0 && !mine.signal.aborted)
    timer = setTimeout(() => void look(), Math.min(SLOWEST_MS, EVERY_MS * 2 ** Math.min(failures, 3)));
}

/** Asks now: something was changed here. */
export function refreshFleet(): void {
  void look();
}

if (typeof document !== 'undefined') document.addEventListener('visibilitychange', () => void look());
// Whose cameras these were is gone.
session.subscribe((who) => {
  if (who.state !== 'out') return void look();
  asking?.abort();
  asking = null;
  clearTimeout(timer);
  if (who.expired) return; // the page behind the login shows what it showed
  token = null;
  fleet.set(EMPTY);
});

export function useFleet(): Fleet {
  useEffect(() => {
    watchers += 1;
    void look();
    return () => {
      watchers -= 1;
    };
  }, []);
  return useStore(fleet);
}

/** Every word of a search has to be in a row. */
export function hasWords(row: FleetRow, words: readonly string[]): boolean {
  return words.every((word) => row.text.includes(word));
}

export function wordsIn(search: string): string[] {
  return search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
}

/** Where a camera is: the labels of place, the smallest first. */
export function placeOf(row: Pick<FleetCamera, 'labels'>): string {
  const { kelurahan, district, location } = row.labels;
  return [location, kelurahan, district].filter(Boolean).join(', ');
}

const NOT_SHARED = new Set(['latitude', 'longitude']);

/** Labels by name and value with how many cameras have them, those of the most first; places on Earth are none. */
export function fleetLabels(rows: readonly FleetRow[]): Array<{ label: string; value: string; cameras: number }> {
  const counts = new Map<string, { label: string; value: string; cameras: number }>();
  for (const row of rows)
    for (const [label, value] of Object.entries(row.labels)) {
      if (NOT_SHARED.has(label)) continue;
      const key = `${label}\n${value}`;
      const found = counts.get(key);
      if (found) found.cameras += 1;
      else counts.set(key, { label, value, cameras: 1 });
    }
  return [...counts.values()].sort((a, b) => b.cameras - a.cameras || collator.compare(a.value, b.value));
}
