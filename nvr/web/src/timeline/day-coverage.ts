// Coverage as numbers, and the questions the page asks of it: what is at this moment, where does footage go on.
// Invariant (the server's): spans and gaps partition [start, asOf) exactly.

import type { Bounds } from './geometry';
import { parseInstant, type Instant } from '../shared/time/instant';
import type { Coverage, Gap } from '../shared/api/schema';

export interface GapAt extends Bounds {
  gap: Gap;
}

export interface DayCoverage extends Bounds {
  /** How far the answer reaches: at most `end`. */
  known: Instant;
  asOf: Instant;
  spans: Bounds[];
  gaps: GapAt[];
  recordedS: number;
  /** Of all gaps, whatever their cause: the three that follow together. */
  missingS: number;
  notRecordedS: number;
  noLongerThereS: number;
  notRequiredS: number;
}

export function readCoverage(answer: Coverage): DayCoverage {
  const end = parseInstant(answer.end);
  const asOf = parseInstant(answer.as_of);
  return {
    start: parseInstant(answer.start),
    end,
    known: Math.min(end, asOf),
    asOf,
    spans: answer.spans.map((s) => ({ start: parseInstant(s.start), end: parseInstant(s.end) })),
    gaps: answer.gaps.map((gap) => ({ start: parseInstant(gap.start), end: parseInstant(gap.end), gap })),
    recordedS: answer.recorded_s,
    missingS: answer.missing_s,
    notRecordedS: answer.not_recorded_s,
    noLongerThereS: answer.no_longer_there_s,
    notRequiredS: answer.not_required_s,
  };
}

export type Moment = { kind: 'footage'; span: Bounds } | { kind: 'gap'; gap: GapAt } | { kind: 'unknown' };

export function momentAt(coverage: DayCoverage, t: Instant): Moment {
  const span = find(coverage.spans, t);
  if (span) return { kind: 'footage', span };
  const gap = find(coverage.gaps, t);
  return gap ? { kind: 'gap', gap } : { kind: 'unknown' };
}

/** Binary search: a camera that flaps has thousands of intervals a day, and a pointer moves often. */
function find<T extends Bounds>(items: readonly T[], t: Instant): T | null {
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const item = items[middle]!;
    if (t < item.start) high = middle - 1;
    else if (t >= item.end) low = middle + 1;
    else return item;
  }
  return null;
}

/** Where footage goes on at or after `t`; null if not within this coverage. */
export function footageFrom(coverage: DayCoverage, t: Instant): Instant | null {
  const span = coverage.spans.find((s) => s.end > t);
  return span ? Math.max(span.start, t) : null;
}

/** The end of the last footage before `t`; null if not within this coverage. */
export function footageBefore(coverage: DayCoverage, t: Instant): Bounds | null {
  for (let i = coverage.spans.length - 1; i >= 0; i -= 1) {
    const span = coverage.spans[i]!;
    if (span.start < t) return { start: span.start, end: Math.min(span.end, t) };
  }
  return null;
}

/** The gaps that a jump from one moment to another passed over. */
export function gapsBetween(coverage: DayCoverage, from: Instant, to: Instant): GapAt[] {
  return coverage.gaps.filter((g) => g.start < to && g.end > from);
}
