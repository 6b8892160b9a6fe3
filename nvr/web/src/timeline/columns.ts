// Coverage folded to columns, as the server answers it for a drawing of several cameras: what stands at a column, and
// the worst of several cameras in one strip. Pure.

import type { CauseClass } from '../shared/api/schema';

export interface Runs {
  lengths: readonly number[];
  /** `footage`, `unknown` (not known yet), or a cause. */
  states: readonly string[];
  classes: ReadonlyArray<CauseClass | null>;
}

export interface Run {
  start: number;
  length: number;
  state: string;
  cls: CauseClass | null;
}

export function runsOf({ lengths, states, classes }: Runs): Run[] {
  let start = 0;
  return lengths.map((length, i) => {
    const run = { start, length, state: states[i]!, cls: classes[i] ?? null };
    start += length;
    return run;
  });
}

export function runAt(runs: Runs, column: number): Run | null {
  return runsOf(runs).find((run) => column >= run.start && column < run.start + run.length) ?? null;
}

/** A fault before a decision, a decision before footage: as the server folds one camera. */
const BY_WEIGHT: ReadonlyArray<CauseClass> = ['policy', 'administrative', 'network', 'camera', 'server'];

function weight(run: Run): number {
  if (run.state === 'unknown') return 0;
  return run.cls === null ? 1 : 2 + BY_WEIGHT.indexOf(run.cls);
}

/** One strip of several cameras: of each column the worst. All have as many columns. */
export function worstOf(all: readonly Runs[]): Run[] {
  const columns = Math.max(0, ...all.map((runs) => runs.lengths.reduce((sum, n) => sum + n, 0)));
  const worst = Array.from({ length: columns }, (): Run | null => null);
  for (const runs of all)
    for (const run of runsOf(runs))
      for (let i = run.start; i < run.start + run.length; i += 1)
        if (worst[i] === null || weight(run) > weight(worst[i]!)) worst[i] = run;
  const out: Run[] = [];
  worst.forEach((run, i) => {
    if (run === null) return;
    const last = out.at(-1);
    if (last && last.state === run.state && last.cls === run.cls && last.start + last.length === i) last.length += 1;
    else out.push({ start: i, length: 1, state: run.state, cls: run.cls });
  });
  return out;
}

/** What of runs lies within `[from, from + length)`, counted from there. */
export function cut(runs: readonly Run[], from: number, length: number): Run[] {
  return runs.flatMap((run) => {
    const start = Math.max(run.start, from);
    const end = Math.min(run.start + run.length, from + length);
    return end > start ? [{ ...run, start: start - from, length: end - start }] : [];
  });
}
