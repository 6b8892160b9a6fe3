// Alerts as a person deals with them: cameras that went away together for one cause are one row. Pure. Invariant: every
// alert is in exactly one row.

import type { FleetRow } from '../../shared/fleet';
import type { Alert } from '../../shared/api/schema';
import { togetherOf, type AwayCamera } from '../../shared/together';

export interface AlertGroup {
  alerts: Alert[];
  cause: string | null;
  class: string;
  /** What the cameras have in common; empty of a single alert. */
  shared: [label: string, value: string][];
}

interface OfAlert extends AwayCamera {
  alert: Alert;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Open alerts about one camera each that belong together, then all others, in the order of the list. */
export function alertGroups(alerts: readonly Alert[], byId: ReadonlyMap<string, FleetRow>): AlertGroup[] {
  const single = (alert: Alert): boolean => alert.kind === 'camera_down' && alert.resolved === null;
  const outages: OfAlert[] = alerts.filter(single).map((alert) => {
    const known = byId.get(alert.cameras[0] ?? alert.subject);
    return {
      alert,
      labels: known?.labels ?? {},
      since: alert.since,
      cause: text(alert.detail['cause']),
      class: text(alert.detail['class']) ?? known?.class ?? '',
    };
  });
  const groups = togetherOf(outages).map((group) => ({
    alerts: group.members.map((one) => one.alert),
    cause: group.cause,
    class: group.class,
    shared: group.shared,
  }));
  const place = new Map(alerts.map((alert, at) => [alert.id, at]));
  const others = alerts
    .filter((alert) => !single(alert))
    .map((alert) => ({ alerts: [alert], cause: null, class: '', shared: [] as [string, string][] }));
  const first = (group: AlertGroup): number => Math.min(...group.alerts.map((alert) => place.get(alert.id)!));
  return [...groups, ...others].sort(
    (a, b) => Number(a.alerts[0]!.resolved !== null) - Number(b.alerts[0]!.resolved !== null) || first(a) - first(b),
  );
}

/** Whose turn it is, by the kind of alert; of cameras that are down by what they say. */
export function classOf(group: AlertGroup, byId: ReadonlyMap<string, FleetRow>): string {
  const alert = group.alerts[0]!;
  if (group.class) return group.class;
  if (alert.kind === 'camera_down' || alert.kind === 'cameras_down') {
    const own = text(alert.detail['class']);
    const away = alert.members.find((one) => one.well === null)?.camera ?? alert.cameras[0];
    return own ?? (away === undefined ? null : byId.get(away)?.class) ?? 'unknown';
  }
  if (['login_refused', 'certificate_changed', 'time_stamps_off', 'keyframes_apart'].includes(alert.kind))
    return 'camera';
  if (alert.kind === 'frames_lost') return 'network';
  return alert.kind === 'recorded_little' ? 'unknown' : 'server';
}

const TO_COME = ['disk_low', 'promise_at_risk', 'page_certificate_ending'];

/** Nothing is lost yet: it will be, if nobody does something. */
export function willCome(group: AlertGroup): boolean {
  return group.alerts[0]!.resolved === null && TO_COME.includes(group.alerts[0]!.kind);
}

/** Whether somebody said of all of it that they know. */
export function isKnown(group: AlertGroup): boolean {
  return group.alerts.every((one) => one.acknowledged_by !== null);
}

/** The cameras that it is about: of a group of the server's those that are still away. */
export function alertCameras(group: AlertGroup): string[] {
  const down = group.alerts.flatMap((one) =>
    one.members.length > 1 && one.resolved === null
      ? one.members.filter((member) => member.well === null).map((member) => member.camera)
      : one.cameras,
  );
  return [...new Set(down)];
}

export interface Common {
  label: string;
  value: string;
  count: number;
}

const TELLING = ['exchange', 'isp', 'district', 'kelurahan', 'owner', 'vendor'];
const LEAST_SHARE = 0.5;

/** What most of the cameras have in common, the most of them first. */
export function commonOf(rows: readonly FleetRow[]): Common[] {
  if (rows.length < 2) return [];
  const found: Common[] = [];
  for (const label of TELLING) {
    const counts = new Map<string, number>();
    for (const row of rows) {
      const value = row.labels[label];
      if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const most = [...counts].sort((a, b) => b[1] - a[1])[0];
    if (most && most[1] / rows.length >= LEAST_SHARE && most[1] > 1)
      found.push({ label, value: most[0], count: most[1] });
  }
  return found.sort((a, b) => b.count - a.count);
}

/** Cameras of other providers where these are, that are recorded: whether it is the line or the power. */
export function othersRecorded(
  rows: readonly FleetRow[],
  all: readonly FleetRow[],
): { place: string; count: number } | null {
  const common = new Map(commonOf(rows).map(({ label, value }) => [label, value]));
  const isp = common.get('isp');
  const label = ['kelurahan', 'district'].find((name) => common.has(name));
  if (!isp || !label) return null;
  const place = common.get(label)!;
  const count = all.filter(
    (row) => row.state === 'recorded' && row.labels[label] === place && row.labels['isp'] && row.labels['isp'] !== isp,
  ).length;
  return { place, count };
}
