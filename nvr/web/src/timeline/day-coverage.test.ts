import { describe, expect, it } from 'vitest';
import type { Coverage } from '../shared/api/schema';
import { footageBefore, footageFrom, gapsBetween, momentAt, readCoverage } from './day-coverage';

const iso = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 0, minute)).toISOString();
const t = (minute: number): number => Date.UTC(2026, 10, 23, 0, minute);
const gap = (start: number, end: number, open = false) => ({
  start: iso(start),
  end: iso(end),
  open,
  duration_s: (end - start) * 60,
  cause: 'stalled' as const,
  class: 'camera' as const,
  detail: {},
  fact: null,
});

const answer: Coverage = {
  camera: 'north',
  start: iso(0),
  end: iso(1440),
  as_of: iso(100),
  recorded_s: 4200,
  missing_s: 1800,
  not_recorded_s: 1800,
  no_longer_there_s: 0,
  not_required_s: 0,
  not_known_s: 80_400,
  spans: [
    { start: iso(0), end: iso(30) },
    { start: iso(40), end: iso(80) },
  ],
  clock_steps: [],
  gaps: [gap(30, 40), gap(80, 100, true)],
};
const coverage = readCoverage(answer);

describe('coverage', () => {
  it('is known up to its as-of', () => {
    expect(coverage.known).toBe(t(100));
    expect(readCoverage({ ...answer, as_of: iso(2000) }).known).toBe(t(1440));
  });
  it('says what is at a moment; ends are exclusive', () => {
    expect(momentAt(coverage, t(0)).kind).toBe('footage');
    expect(momentAt(coverage, t(30)).kind).toBe('gap');
    expect(momentAt(coverage, t(40)).kind).toBe('footage');
    expect(momentAt(coverage, t(100)).kind).toBe('unknown');
    expect(momentAt(coverage, t(-1)).kind).toBe('unknown');
  });
  it('says where footage goes on and where it ended', () => {
    expect(footageFrom(coverage, t(10))).toBe(t(10));
    expect(footageFrom(coverage, t(30))).toBe(t(40));
    expect(footageFrom(coverage, t(80))).toBeNull();
    expect(footageBefore(coverage, t(35))).toEqual({ start: t(0), end: t(30) });
    expect(footageBefore(coverage, t(50))).toEqual({ start: t(40), end: t(50) });
    expect(footageBefore(coverage, t(0))).toBeNull();
  });
  it('names the gaps that a jump passed over', () => {
    expect(gapsBetween(coverage, t(29), t(41)).length).toBe(1);
    expect(gapsBetween(coverage, t(40), t(80)).length).toBe(0);
  });
});
