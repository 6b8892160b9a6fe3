import { describe, expect, it } from 'vitest';
import { clockAt, movedTo, running, timeOf, withSpeed } from './clock';
import {
  aimAt,
  frameBeside,
  holdsClock,
  joinedWith,
  nextMoments,
  picturesPerS,
  tileAction,
  wayFor,
  type TileLook,
} from './decide';

const look = (change: Partial<TileLook>): TileLook => ({
  clock: 10_000,
  speed: 1,
  runs: true,
  position: 10_000,
  buffered: [{ start: 0, end: 60_000 }],
  nothing: [],
  seeking: false,
  ...change,
});

describe('the clock', () => {
  it('runs at its speed, backwards too, and never jumps when it is changed', () => {
    let clock = running(clockAt(1000, 0), true, 0);
    expect(timeOf(clock, 500)).toBe(1500);
    clock = withSpeed(clock, -4, 500);
    expect(timeOf(clock, 500)).toBe(1500);
    expect(timeOf(clock, 600)).toBe(1100);
    clock = running(clock, false, 600);
    expect(timeOf(clock, 9999)).toBe(1100);
    expect(timeOf(movedTo(clock, 7, 10_000), 20_000)).toBe(7);
  });
});

describe('a way to play', () => {
  it('is by frames while a browser can, and by keyframes beyond and backwards', () => {
    expect(wayFor(1, 16, 25)).toBe('frames');
    expect(wayFor(2, 9, 15)).toBe('keyframes');
    expect(wayFor(2, 4, 25)).toBe('frames');
    expect(wayFor(8, 1, 25)).toBe('frames');
    expect(wayFor(16, 1, 25)).toBe('keyframes');
    expect(wayFor(-1, 1, 25)).toBe('keyframes');
  });
  it('shows the same number of pictures at every speed', () => {
    expect(nextMoments(1000, 64, 8, 3)).toEqual([9000, 17_000, 25_000]);
    expect(nextMoments(1000, -16, 4, 2)).toEqual([-3000, -7000]);
    expect(picturesPerS(1)).toBeGreaterThan(picturesPerS(16));
  });
});

describe('a tile', () => {
  it('is left alone in step, nudged when late or early, and moved when far', () => {
    expect(tileAction(look({ position: 9985 }))).toEqual({ do: 'go', rate: 1 });
    expect(tileAction(look({ position: 9900 }))).toEqual({ do: 'go', rate: 1.1 });
    expect(tileAction(look({ position: 10_100 }))).toEqual({ do: 'go', rate: 0.9 });
    expect(tileAction(look({ position: 8000 }))).toEqual({ do: 'seek', to: 10_000 });
    expect(tileAction(look({ position: 8500, speed: 2 }))).toMatchObject({ do: 'go' });
  });
  it('shows the very moment when the clock stands', () => {
    expect(tileAction(look({ runs: false, position: 9990 }))).toEqual({ do: 'seek', to: 10_000 });
    expect(tileAction(look({ runs: false }))).toEqual({ do: 'go', rate: 1 });
  });
  it('rests in a gap and keeps nobody waiting there', () => {
    const gap = look({ nothing: [{ start: 9000, end: 11_000 }], buffered: [] });
    expect(tileAction(gap)).toEqual({ do: 'gap' });
    expect(holdsClock(gap, false)).toBe(false);
  });
  it('keeps the clock waiting for footage that has not come', () => {
    expect(tileAction(look({ buffered: [] }))).toEqual({ do: 'wait' });
    expect(holdsClock(look({ buffered: [] }), true)).toBe(true);
    expect(holdsClock(look({}), false)).toBe(true);
    expect(holdsClock(look({}), true)).toBe(false);
  });
  it('begins where footage begins, a little after the clock', () => {
    expect(tileAction(look({ buffered: [{ start: 10_040, end: 20_000 }], position: null }))).toEqual({
      do: 'seek',
      to: 10_040,
    });
  });
});

describe('stretches', () => {
  it('join where they touch', () => {
    const found = [
      { start: 0, end: 10 },
      { start: 20, end: 30 },
    ];
    expect(joinedWith(found, { start: 10, end: 20 })).toEqual([{ start: 0, end: 30 }]);
    expect(joinedWith(found, { start: 12, end: 15 })).toHaveLength(3);
  });
});

describe('steps', () => {
  const times = [0, 33.366, 233.366, 266.733, 300.1];
  it('go from frame to frame by their own times', () => {
    expect(frameBeside(times, 0, 1)).toBe(33.366);
    expect(frameBeside(times, 33.366, 1)).toBe(233.366);
    expect(frameBeside(times, 100, 1)).toBe(233.366); // the frame shown at 100 is that of 33.366
    expect(frameBeside(times, 100, -1)).toBe(0);
    expect(frameBeside(times, 300.1, 1)).toBeNull();
    expect(frameBeside(times, 0, -1)).toBeNull();
  });
  it('there and back again end where they began, from every frame', () => {
    for (let i = 0; i + 1 < times.length; i += 1)
      expect(frameBeside(times, frameBeside(times, times[i]!, 1)!, -1)).toBe(times[i]);
  });
  it('aim within the frame', () => {
    expect(aimAt(times, 33.366)).toBeCloseTo(43.366);
    expect(aimAt([0, 10], 0)).toBe(5);
    expect(aimAt([0], 0)).toBe(10);
  });
});
