// A gap report's sums by cause, as the page lists them. Pure.

import type { CoverageReport, FigureGroup, GapReport } from '../../shared/api/schema';

/** Classes of what went wrong. What was decided, planned, not set up or removed later is no outage. */
export const OUTAGE_CLASSES: readonly string[] = ['network', 'camera', 'server'];

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

/** Times stay in their order; of the others the worst comes first. */
export function worstFirst(report: CoverageReport): FigureGroup[] {
  return report.by === 'day' ? report.groups : [...report.groups].sort((a, b) => (a.coverage ?? 2) - (b.coverage ?? 2));
}

/** How many gaps are outages. */
export function outagesIn(report: GapReport): number {
  return report.total.by_kind.reduce((sum, tally) => sum + (OUTAGE_CLASSES.includes(tally.class) ? tally.gaps : 0), 0);
}
