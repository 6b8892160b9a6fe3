// What of the fleet failed together, and which others went with a camera. Pure.

import type { FleetRow } from '../../shared/fleet';
import { sharedBy, togetherOf, type Together } from '../../shared/together';

type AwayRow = FleetRow & { since: string };

export type FleetOutage = Together<AwayRow>;

const isAway = (row: FleetRow): row is AwayRow => row.state === 'down' && Boolean(row.since);

/** The latest first. */
export function outagesOf(rows: readonly FleetRow[]): FleetOutage[] {
  return togetherOf(rows.filter(isAway)).sort((a, b) => b.since - a.since);
}

/** Where a camera is, and by whose line: what others must share with it to be named beside it. */
const PLACES = ['isp', 'district', 'kelurahan', 'owner'] as const;

/** What else fails with a camera: those of its outage that share a provider or a district with it. */
export function withIt(
  row: FleetRow,
  outages: readonly FleetOutage[],
): { count: number; shared: Record<string, string> } {
  const outage = outages.find(({ members }) => members.some(({ id }) => id === row.id));
  const others = (outage?.members ?? []).filter(
    (other) =>
      other.id !== row.id &&
      PLACES.some((label) => row.labels[label] !== undefined && other.labels[label] === row.labels[label]),
  );
  return { count: others.length, shared: Object.fromEntries(sharedBy([row, ...others])) };
}
