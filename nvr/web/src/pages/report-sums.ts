// A gap report's sums by cause, as the page lists them. Pure.

import type { GapReport } from '../types';
import { classOf } from '../words';

export interface CauseSum {
  cause: string;
  class: string;
  count: number;
  seconds: number;
}

/** The longest first. */
export function sumsByCause(report: GapReport): CauseSum[] {
  return Object.entries(report.total.by_cause)
    .map(([cause, tally]) => ({ cause, class: classOf(cause), count: tally.gaps, seconds: tally.missing_s }))
    .sort((a, b) => b.seconds - a.seconds);
}

/** "north, south gate-2" → three ids. */
export function readIds(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}
