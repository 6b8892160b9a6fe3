// What failed together: cameras that are down by the same kind of cause since about the same time, and what they have in
// common. Pure.

import type { FleetRow } from '../../shared/fleet';
import { parseInstant, type Instant } from '../../shared/time/instant';

/** An exchange that fails takes its cameras within a minute or two, as each recorder notices it. */
const TOGETHER_MS = 120_000;

export interface SharedOutage {
  cause: string | null;
  class: string | null;
  /** Of the first of them. */
  since: Instant;
  cameras: FleetRow[];
  /** Labels that all of them have alike, by name. */
  shared: Record<string, string>;
}

const COMMON = ['isp', 'district', 'kelurahan', 'owner'] as const;

export function sharedLabels(rows: readonly FleetRow[]): Record<string, string> {
  const shared: Record<string, string> = {};
  for (const label of COMMON) {
    const value = rows[0]?.labels[label];
    if (value && rows.every((row) => row.labels[label] === value)) shared[label] = value;
  }
  return shared;
}

/** The latest first. */
export function outagesOf(rows: readonly FleetRow[]): SharedOutage[] {
  const down = rows
    .filter((row) => row.state === 'down' && row.since)
    .map((row) => ({ row, since: parseInstant(row.since!) }))
    .sort((a, b) => a.since - b.since);
  const found: SharedOutage[] = [];
  const open = new Map<string, SharedOutage>();
  for (const { row, since } of down) {
    const key = row.cause ?? `class ${row.class ?? ''}`;
    const last = open.get(key);
    if (last && since - last.since <= TOGETHER_MS) last.cameras.push(row);
    else {
      const made: SharedOutage = {
        cause: row.cause ?? null,
        class: row.class ?? null,
        since,
        cameras: [row],
        shared: {},
      };
      open.set(key, made);
      found.push(made);
    }
  }
  for (const outage of found) outage.shared = sharedLabels(outage.cameras);
  return found.sort((a, b) => b.since - a.since);
}

/** What else fails with a camera: those of its outage that share a provider or a district with it. */
export function withIt(
  row: FleetRow,
  outages: readonly SharedOutage[],
): { count: number; shared: Record<string, string> } {
  const outage = outages.find(({ cameras }) => cameras.some(({ id }) => id === row.id));
  if (!outage) return { count: 0, shared: {} };
  const others = outage.cameras.filter(
    (other) =>
      other.id !== row.id &&
      COMMON.some((label) => row.labels[label] !== undefined && other.labels[label] === row.labels[label]),
  );
  return { count: others.length, shared: sharedLabels([row, ...others]) };
}
