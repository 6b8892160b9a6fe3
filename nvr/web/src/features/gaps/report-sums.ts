// A gap report's sums by cause, as the page lists them. Pure.

import type { GapReport } from '../../shared/api/schema';

export interface CauseSum {
  cause: string;
  class: string;
  count: number;
  seconds: number;
}

/** The longest first. A cause may have several classes. */
export function sumsByCause(report: GapReport): CauseSum[] {
  return report.total.by_kind
    .map((tally) => ({ cause: tally.cause, class: tally.class, count: tally.gaps, seconds: tally.missing_s }))
    .sort((a, b) => b.seconds - a.seconds);
}

/** "north, south gate-2" → three ids. */
export function readIds(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}
