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
