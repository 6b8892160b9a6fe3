// Sums of a gap report, from its rows: so that what the page totals is exactly what it lists.

import type { ReportGap } from '../types';

export interface CauseSum {
  cause: string;
  class: string;
  count: number;
  seconds: number;
}

export interface ReportSums {
  count: number;
  seconds: number;
  longest: number;
  cameras: number;
  byCause: CauseSum[];
}

export function sumReport(gaps: readonly ReportGap[]): ReportSums {
  const causes = new Map<string, CauseSum>();
  const cameras = new Set<string>();
  let seconds = 0;
  let longest = 0;
  for (const gap of gaps) {
    cameras.add(gap.camera);
    seconds += gap.duration_s;
    longest = Math.max(longest, gap.duration_s);
    const sum = causes.get(gap.cause) ?? { cause: gap.cause, class: gap.class, count: 0, seconds: 0 };
    sum.count += 1;
    sum.seconds += gap.duration_s;
    causes.set(gap.cause, sum);
  }
  return { count: gaps.length, seconds, longest, cameras: cameras.size, byCause: [...causes.values()].sort((a, b) => b.seconds - a.seconds) };
}

/** "north, south gate-2" → three ids. */
export function readIds(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}
