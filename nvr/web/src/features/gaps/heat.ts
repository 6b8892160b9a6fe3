// The picture of coverage: a row a civil day, a column an hour of the clock. Pure.
// Invariant: every group of the answer is in exactly one cell; an hour that comes twice is one cell.

import { parseInstant } from '../../shared/time/instant';
import { civil, dateOf, type CivilDate } from '../../shared/time/zone';
import type { FigureGroup, Figures } from '../../shared/api/schema';

export const KINDS = ['network', 'camera', 'server', 'planned', 'administrative', 'removed', 'absent'] as const;
export type Kind = (typeof KINDS)[number];

export interface Cell {
  recorded: number;
  required: number;
  /** Seconds without footage, by kind. */
  missing: Record<Kind, number>;
}

export interface HeatRow {
  date: CivilDate;
  cells: Array<Cell | null>;
  recorded: number;
  required: number;
}

function cellOf(f: Figures): Cell {
  return {
    recorded: f.recorded_s,
    required: f.required_s,
    missing: {
      ...f.by_class,
      planned: f.planned_s,
      administrative: f.administrative_s,
      removed: f.removed_s,
      absent: f.absent_s,
    },
  };
}

function add(a: Cell | null, b: Cell): Cell {
  if (!a) return b;
  const missing = { ...a.missing };
  for (const kind of KINDS) missing[kind] += b.missing[kind];
  return { recorded: a.recorded + b.recorded, required: a.required + b.required, missing };
}

export function heatRows(groups: readonly FigureGroup[], zone: string): HeatRow[] {
  const rows = new Map<CivilDate, HeatRow>();
  for (const group of groups) {
    const start = parseInstant(group.start!);
    const date = dateOf(start, zone);
    let row = rows.get(date);
    if (!row) rows.set(date, (row = { date, cells: Array.from({ length: 24 }, () => null), recorded: 0, required: 0 }));
    const hour = civil(start, zone).hour;
    row.cells[hour] = add(row.cells[hour] ?? null, cellOf(group));
    row.recorded += group.recorded_s;
    row.required += group.required_s;
  }
  return [...rows.values()];
}

/** What is missing is never drawn narrower than this: of one camera a second of an hour would be less than a hair; of
 * many, something is
 * always missing somewhere, and a wide mark would say that it is much. */
export const ONE_LEAST = 1 / 8;
export const MANY_LEAST = 1 / 34;

/** What colour the part without footage has, and how much of the cell is footage. */
export function cellFill(cell: Cell, least: number): { kind: Kind | 'recorded' | 'unknown'; share: number } {
  const others = KINDS.filter((kind) => kind !== 'absent');
  const present = cell.recorded + others.reduce((sum, kind) => sum + cell.missing[kind], 0);
  if (present <= 0) return { kind: cell.missing.absent > 0 ? 'absent' : 'unknown', share: 0 };
  if (cell.recorded >= present) return { kind: 'recorded', share: 1 };
  const worst = others.reduce((a, b) => (cell.missing[b] > cell.missing[a] ? b : a));
  return { kind: worst, share: Math.min(cell.recorded / present, 1 - least) };
}
