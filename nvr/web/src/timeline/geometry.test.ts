import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../shared/time/instant';
import { dayBounds } from '../shared/time/zone';
import {
  follow,
  hit,
  instantAt,
  levelOf,
  LEVELS,
  MIN_SPAN,
  paint,
  pan,
  ticks,
  viewAround,
  xOf,
  zoomAt,
} from './geometry';

const zone = 'Asia/Jakarta';
const day = dayBounds('2026-11-23', zone);
const noon = day.start + 12 * HOUR;

describe('a view', () => {
  it('maps moments to pixels and back', () => {
    expect(xOf(noon, day, 1000)).toBe(500);
    expect(instantAt(500, day, 1000)).toBe(noon);
  });

  it('keeps what is under the pointer in place while zooming', () => {
    const anchor = day.start + 7.3 * HOUR;
    let view = day;
    for (let i = 0; i < 5; i += 1) {
      const x = xOf(anchor, view, 1000);
      view = zoomAt(view, anchor, 1.5, day);
      expect(xOf(anchor, view, 1000)).toBeCloseTo(x, 6);
    }
  });

  it('never leaves the day nor gets smaller than allowed', () => {
    let view = { ...day };
    for (let i = 0; i < 60; i += 1) view = zoomAt(view, day.end, 2, day);
    expect(view.end - view.start).toBe(MIN_SPAN);
    expect(view.end).toBe(day.end);
    for (let i = 0; i < 60; i += 1) view = zoomAt(view, day.start, 0.5, day);
    expect(view).toEqual(day);
    expect(pan(viewAround(noon, HOUR, 0.5, day), -100 * HOUR, day).start).toBe(day.start);
    expect(pan(day, HOUR, day)).toEqual(day);
  });

  it('knows its level', () => {
    expect(levelOf(day, day)).toBe('day');
    expect(levelOf(viewAround(noon, LEVELS.h1, 0.5, day), day)).toBe('h1');
    expect(levelOf(viewAround(noon, 37 * MINUTE, 0.5, day), day)).toBeNull();
  });

  it('turns the page only when the playhead has left', () => {
    const view = viewAround(noon, HOUR, 0.5, day);
    expect(follow(view, noon + 20 * MINUTE, day)).toBe(view);
    const next = follow(view, view.end + SECOND, day);
    expect(xOf(view.end + SECOND, next, 1000)).toBeCloseTo(100, 6);
    expect(follow(view, day.end + HOUR, day)).toBe(view);
  });
});

describe('ticks', () => {
  it('stand at round civil times and far enough apart', () => {
    const found = ticks(day, 1000, zone);
    expect(found[0]!.t).toBe(day.start);
    for (let i = 1; i < found.length; i += 1) expect(found[i]!.x - found[i - 1]!.x).toBeGreaterThanOrEqual(48);
    expect(found.every((tick) => (tick.t - day.start) % (2 * HOUR) === 0)).toBe(true);
  });

  it('stay round on days on which the clock changes', () => {
    const long = dayBounds('2026-10-25', 'Europe/Berlin');
    const utcHours = ticks(long, 1000, 'Europe/Berlin').map((tick) => new Date(tick.t).toISOString().slice(11, 16));
    expect(utcHours).toEqual([
      '22:00',
      '00:00',
      '03:00',
      '05:00',
      '07:00',
      '09:00',
      '11:00',
      '13:00',
      '15:00',
      '17:00',
      '19:00',
      '21:00',
      '23:00',
    ]);
  });

  it('exist in zones with a quarter of an hour and in the closest view', () => {
    const d = dayBounds('2026-11-23', 'Asia/Kathmandu');
    expect(ticks(d, 800, 'Asia/Kathmandu')[0]!.t).toBe(d.start);
    expect(ticks(viewAround(noon, MIN_SPAN, 0.5, day), 1000, zone).length).toBeGreaterThan(5);
  });
});

describe('intervals', () => {
  it('never vanish however short', () => {
    const [p] = paint([{ start: noon, end: noon + SECOND }], day, 1000, 2);
    expect(p!.width).toBe(2);
    expect(p!.x).toBeCloseTo(499, 1);
  });
  it('are cut at the view and left out beyond it', () => {
    const view = viewAround(noon, HOUR, 0.5, day);
    expect(paint([{ start: day.start, end: noon }], view, 1000, 2)).toMatchObject([{ x: 0, width: 500 }]);
    expect(paint([{ start: day.start, end: view.start }], view, 1000, 2)).toEqual([]);
  });
  it('stay inside at the right edge', () => {
    const [p] = paint([{ start: day.end - 1, end: day.end }], day, 1000, 2);
    expect(p!.x + p!.width).toBe(1000);
  });
  it('are found under the pointer, or next to it', () => {
    const gaps = [{ start: noon, end: noon + SECOND }];
    expect(hit(gaps, noon + 500, 0)).toBe(gaps[0]);
    expect(hit(gaps, noon + SECOND, 0)).toBe(gaps[0]); // at its edge, and nothing nearer
    expect(hit(gaps, noon - MINUTE, 2 * MINUTE)).toBe(gaps[0]);
    expect(hit(gaps, noon - MINUTE, SECOND)).toBeNull();
  });
});
