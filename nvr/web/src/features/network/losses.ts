// Who loses most, and when: rows of the network's measurements put in order and in cells of time. Pure.
// Invariant: a cell says nothing where nothing was measured.

import type { NetworkReport, NetworkRow } from '../../shared/api/schema';
import { parseInstant } from '../../shared/time/instant';

/** By the share of packets lost, then frames, then connections, then name; what was not measured comes last. */
export function worstRows(rows: readonly NetworkRow[]): NetworkRow[] {
  return [...rows].sort(
    (a, b) =>
      (b.loss ?? -1) - (a.loss ?? -1) ||
      b.lost_frames - a.lost_frames ||
      b.reconnects - a.reconnects ||
      (a.group ?? '').localeCompare(b.group ?? '', undefined, { numeric: true }),
  );
}

export interface NetworkSums {
  /** Null: no packet was counted. */
  loss: number | null;
  carried_bps: number;
  lost_frames: number;
  reconnects: number;
  cameras: number;
}

export function sumsOf(rows: readonly NetworkRow[]): NetworkSums {
  let [packets, lost] = [0, 0];
  const sums: NetworkSums = { loss: null, carried_bps: 0, lost_frames: 0, reconnects: 0, cameras: 0 };
  for (const row of rows) {
    packets += row.packets;
    lost += row.lost_packets;
    sums.carried_bps += row.carried_bps;
    sums.lost_frames += row.lost_frames;
    sums.reconnects += row.reconnects;
    sums.cameras += row.cameras;
  }
  if (packets + lost > 0) sums.loss = lost / (packets + lost);
  return sums;
}

export const LOSS_LEVELS = ['none', 'some', 'much', 'most'] as const;
export type LossLevel = (typeof LOSS_LEVELS)[number];

/** Below a thousandth pictures hardly suffer; above a hundredth hardly one is whole. */
export function lossLevel(loss: number): LossLevel {
  if (loss <= 0) return 'none';
  return loss < 0.001 ? 'some' : loss < 0.01 ? 'much' : 'most';
}

export interface LossCell {
  /** Of the whole range, from 0 to 1. */
  from: number;
  width: number;
  level: LossLevel;
  row: NetworkRow;
}

/** By group, the cells of its times. */
export function lossCells(report: NetworkReport, start: number, end: number): Map<string | null, LossCell[]> {
  const found = new Map<string | null, LossCell[]>();
  for (const row of report.rows) {
    if (row.loss === null) continue;
    const from = Math.max(0, (parseInstant(row.start) - start) / (end - start));
    const to = Math.min(1, (parseInstant(row.end) - start) / (end - start));
    if (to <= from) continue;
    const cells = found.get(row.group) ?? [];
    cells.push({ from, width: to - from, level: lossLevel(row.loss), row });
    found.set(row.group, cells);
  }
  return found;
}
