// What failed together: outages of one cause that began within moments of one another, and what their cameras share.
// Pure. Invariant: every outage is in exactly one group.

import { parseInstant, SECOND, type Instant } from './time/instant';

/** One exchange takes its cameras away within a minute or two: each is noticed when it was asked last. */
export const TOGETHER_MS = 120 * SECOND;

export interface AwayCamera {
  labels: Record<string, string>;
  since: string;
  cause?: string | null;
  class?: string | null;
}

export interface Together<T extends AwayCamera> {
  cause: string | null;
  class: string;
  /** When the first of them went away. */
  since: Instant;
  members: T[];
  /** Labels that all of them have, and that more than one camera has; the most telling first. */
  shared: [label: string, value: string][];
}

/** Labels that say something of a common cause, the most telling first; others come behind them. */
const TELLING = ['exchange', 'node', 'switch', 'isp', 'kelurahan', 'district', 'owner', 'vendor'];

export function sharedBy(members: readonly Pick<AwayCamera, 'labels'>[]): [string, string][] {
  const [first, ...others] = members;
  if (!first || others.length === 0) return [];
  const rank = (label: string): number => TELLING.indexOf(label) + 1 || TELLING.length + 1;
  return Object.entries(first.labels)
    .filter(
      ([label, value]) =>
        !['latitude', 'longitude', 'public'].includes(label) && others.every((one) => one.labels[label] === value),
    )
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Labels as the list of cameras is asked for them; those that can't be said there are left out. */
export function sharedQuery(shared: readonly (readonly [string, string])[], most = Infinity): string {
  return shared
    .filter(([label, value]) => !/[,=]/.test(label + value))
    .slice(0, most)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
}

/** The largest group first; of equal ones the latest. */
export function togetherOf<T extends AwayCamera>(outages: readonly T[]): Together<T>[] {
  const byCause = new Map<string, T[]>();
  for (const one of outages) {
    const key = `${one.cause ?? ''} ${one.class ?? ''}`;
    byCause.set(key, [...(byCause.get(key) ?? []), one]);
  }
  const groups: Together<T>[] = [];
  for (const mine of byCause.values()) {
    const inOrder = [...mine].sort((a, b) => parseInstant(a.since) - parseInstant(b.since));
    let members: T[] = [];
    const close = (): void => {
      if (members.length === 0) return;
      const [first] = members as [T, ...T[]];
      groups.push({
        cause: first.cause ?? null,
        class: first.class ?? 'unknown',
        since: parseInstant(first.since),
        members,
        shared: sharedBy(members),
      });
      members = [];
    };
    for (const one of inOrder) {
      const before = members[members.length - 1];
      if (before && parseInstant(one.since) - parseInstant(before.since) > TOGETHER_MS) close();
      members.push(one);
    }
    close();
  }
  return groups.sort((a, b) => b.members.length - a.members.length || b.since - a.since);
}
