import { describe, expect, it } from 'vitest';
import type { NetworkReport, NetworkRow } from '../../shared/api/schema';
import { lossLevel, lossCells, sumsOf, worstRows } from './losses';

const row = (group: string, more: Partial<NetworkRow> = {}): NetworkRow => ({
  group,
  start: '2026-11-30T00:00:00Z',
  end: '2026-11-30T01:00:00Z',
  cameras: 1,
  recorded_s: 3600,
  bytes: 1,
  received_bytes: 1,
  bitrate_bps: 8,
  carried_bps: 8,
  packets: 99,
  lost_packets: 1,
  loss: 0.01,
  damaged: 0,
  undecodable: 0,
  reconnects: 0,
  jitter_us: null,
  jitter_most_us: null,
  lost_frames: 0,
  time_faults: 0,
  keyframe_most_us: null,
  ...more,
});

describe('what the network lost', () => {
  it('is told worst first, what was not measured last', () => {
    const rows = [
      row('silent', { loss: null }),
      row('b'),
      row('a'),
      row('frames', { lost_frames: 3 }),
      row('worst', { loss: 0.5 }),
      row('calls', { reconnects: 2 }),
    ];
    expect(worstRows(rows).map(({ group }) => group)).toEqual(['worst', 'frames', 'calls', 'a', 'b', 'silent']);
  });
  it('sums packets, not shares', () => {
    const sums = sumsOf([row('a'), row('b', { packets: 900, lost_packets: 0, cameras: 4 })]);
    expect(sums.loss).toBeCloseTo(0.001, 9);
    expect([sums.cameras, sums.carried_bps]).toEqual([5, 16]);
    expect(sumsOf([]).loss).toBeNull();
  });
  it('has a cell for each time that was measured', () => {
    const start = Date.parse('2026-11-30T00:00:00Z');
    const report = {
      rows: [
        row('a'),
        row('a', { start: '2026-11-30T02:00:00Z', end: '2026-11-30T03:00:00Z', loss: null }),
        row('b', { start: '2026-11-30T03:30:00Z', end: '2026-11-30T04:30:00Z', loss: 0 }),
      ],
    } as NetworkReport;
    const cells = lossCells(report, start, start + 4 * 3_600_000);
    expect(cells.get('a')!.map(({ from, width, level }) => [from, width, level])).toEqual([[0, 0.25, 'most']]);
    expect(cells.get('b')!.map(({ from, width, level }) => [from, width, level])).toEqual([[0.875, 0.125, 'none']]);
    expect([lossLevel(0.0005), lossLevel(0.005)]).toEqual(['some', 'much']);
  });
});
