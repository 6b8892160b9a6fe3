// The last hours of the cameras on the screen, folded to the width of a bar. Asked for sixteen at a time, when what is
// shown stands still, and kept for a minute.

import { useEffect, useState } from 'preact/hooks';
import { API } from './api/base';
import { send } from './api/routes';
import { formatInstant, HOUR, MINUTE } from './time/instant';
import { serverNow } from '../session';
import { kindOf, type StateKind } from './ui/mark';

export interface TrackBar {
  /** Parts of the day from its start, in 1/COLUMNS; what is not named is footage. */
  parts: Array<{ from: number; to: number; kind: StateKind | 'footage' }>;
  recordedS: number;
  missingS: number;
}

/**
 * Recorded of what had to be, as two lengths; null: not to be said by this. What a decision kept from being recorded is
 * no fault, nor is the time before a camera was added.
 */
export function faultsOf(bar: TrackBar): { recordedS: number; missingS: number } | null {
  const kinds = new Set(bar.parts.map(({ kind }) => kind));
  const isDecided = kinds.has('decision') || kinds.has('policy');
  const isFaulty = kinds.has('network') || kinds.has('camera') || kinds.has('server');
  if (isDecided && isFaulty) return null;
  const missingS = isFaulty ? bar.missingS : 0;
  return bar.recordedS + missingS > 0 ? { recordedS: bar.recordedS, missingS } : null;
}

interface Track {
  camera: string;
  recorded_s: number;
  missing_s: number;
  lengths: number[];
  states: string[];
  classes: Array<string | null>;
}

export const COLUMNS = 144;
export const DAY_H = 24;
const AT_ONCE = 16;
const STILL_MS = 150;
const MOST_KEPT = 600;

const kept = new Map<string, { bar: TrackBar; madeMs: number }>();

export function barOf(track: Track): TrackBar {
  let at = 0;
  const parts: TrackBar['parts'] = track.lengths.map((length, n) => {
    const from = at;
    at += length;
    const state = track.states[n];
    const kind =
      state === 'footage' ? 'footage' : state === 'unknown' ? 'unknown' : kindOf(track.classes[n] ?? 'unknown');
    return { from, to: at, kind };
  });
  return { parts, recordedS: track.recorded_s, missingS: track.missing_s };
}

async function load(ids: readonly string[], hours: number): Promise<void> {
  const end = Math.floor(serverNow() / MINUTE) * MINUTE;
  const query = new URLSearchParams({
    start: formatInstant(end - hours * HOUR),
    end: formatInstant(end),
    columns: String(COLUMNS),
  });
  for (const id of ids) query.append('camera', id);
  const answer = await send(`${API}/playback/coverage?${query.toString()}`);
  if (!answer.ok) return;
  const { tracks } = (await answer.json()) as { tracks: Track[] };
  for (const track of tracks) {
    kept.delete(`${hours} ${track.camera}`);
    kept.set(`${hours} ${track.camera}`, { bar: barOf(track), madeMs: Date.now() });
  }
  while (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
}

/** Those of these cameras that are known; the others come. */
export function useBars(ids: readonly string[], hours = DAY_H): ReadonlyMap<string, TrackBar> {
  const [, setTurn] = useState(0);
  const key = `${hours} ${ids.join(',')}`;
  useEffect(() => {
    let gone = false;
    const look = async (): Promise<void> => {
      const old = Date.now() - MINUTE;
      const wanted = ids.filter((id) => (kept.get(`${hours} ${id}`)?.madeMs ?? 0) < old);
      for (let n = 0; n < wanted.length && !gone; n += AT_ONCE) {
        await load(wanted.slice(n, n + AT_ONCE), hours).catch(() => undefined); // the list says that the server is away
        if (!gone) setTurn((turn) => turn + 1);
      }
    };
    const first = setTimeout(() => void look(), STILL_MS);
    const again = setInterval(() => document.hidden || void look(), MINUTE);
    return () => {
      gone = true;
      clearTimeout(first);
      clearInterval(again);
    };
  }, [key]);
  return new Map(
    ids.flatMap((id) => {
      const found = kept.get(`${hours} ${id}`);
      return found ? [[id, found.bar] as const] : [];
    }),
  );
}
