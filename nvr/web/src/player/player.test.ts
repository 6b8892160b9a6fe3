import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../shared/time/instant';
import { codecName, mimeOf } from './codec';
import { actionOf } from './keys';
import { syncS } from './live';
import { footageEnd, positionAt, wallAt, type Entry } from './mapping';
import { isCodecError } from './trouble';
import { windowAround, windowFrom, WINDOW } from './window';

const now = Date.parse('2026-11-23T14:00:00Z');

describe('windows', () => {
  it('lie around a seek and are shared by seeks near each other', () => {
    const t = now - 10 * HOUR;
    const w = windowAround(t + 3 * MINUTE, now);
    expect(w.start).toBeLessThanOrEqual(t - 15 * MINUTE);
    expect(w.end - w.start).toBe(WINDOW);
    expect(windowAround(t + 4 * MINUTE, now)).toEqual(w);
  });
  it('end now at the latest and are never empty', () => {
    expect(windowAround(now - HOUR, now).end).toBe(now);
    expect(windowAround(now + HOUR, now).end).toBe(now + HOUR + SECOND);
    expect(windowFrom(now - 500, now)).toEqual({ start: now - 500, end: now + 500 });
  });
  it('follow one another to the microsecond', () => {
    expect(windowFrom(now - 5 * HOUR + 0.123, now).start).toBe(now - 5 * HOUR + 0.123);
  });
});

describe('position and wall clock', () => {
  // Four seconds, then one GAP entry of three hours, then footage whose clock runs 200 ppm slow.
  const entries: Entry[] = [
    { position: 0, duration: 4, wall: now, gap: false },
    { position: 4, duration: 10800, wall: now + 4000, gap: true },
    { position: 10804, duration: 4, wall: now + 10_804_000, gap: false },
    { position: 10808, duration: 4, wall: now + 10_808_000.8, gap: false },
  ];
  it('run in step across a gap', () => {
    for (const s of [0, 1.5, 4, 5000, 10804, 10805.25]) {
      expect(wallAt(entries, s)).toBeCloseTo(now + s * 1000, 3);
      expect(positionAt(entries, now + s * 1000)).toBeCloseTo(s, 6);
    }
  });
  it('follow each entry’s own clock', () => {
    expect(wallAt(entries, 10809)).toBeCloseTo(now + 10_809_000.8, 3);
    expect(positionAt(entries, now + 10_809_000.8)).toBeCloseTo(10809, 6);
    expect(positionAt(entries, now + 10_808_000.4)).toBeCloseTo(10808, 6);
  });
  it('have answers at and beyond the ends', () => {
    expect(positionAt(entries, now - 5000)).toBe(0);
    expect(positionAt(entries, now + 99_999_999)).toBe(10812);
    expect(wallAt([], 3)).toBeNull();
    expect(positionAt([], now)).toBeNull();
  });
  it('know where footage ends before a trailing gap', () => {
    expect(footageEnd(entries)?.position).toBe(10812);
    expect(footageEnd(entries.slice(0, 2))).toEqual({ position: 4, wall: now + 4000 });
    expect(footageEnd(entries.slice(1, 2))).toBeNull();
  });
});

describe('codecs', () => {
  it('are understood as names and as RFC 6381 strings', () => {
    expect(mimeOf('hvc1.1.6.L93.B0')).toBe('video/mp4; codecs="hvc1.1.6.L93.B0"');
    expect(mimeOf('HEVC')).toContain('hvc1');
    expect(mimeOf('H.264')).toBe('video/mp4; codecs="H.264"'); // has a dot: taken as it is, and the attempt decides
    expect(mimeOf('theora')).toBeNull();
  });
  it('have names that people know', () => {
    expect(['hev1.1.6.L93.B0', 'hevc', 'h265'].map(codecName)).toEqual(['H.265', 'H.265', 'H.265']);
    expect(codecName('avc1.640028')).toBe('H.264');
    expect(codecName(null)).toBe('?');
  });
  it('are recognised as the trouble', () => {
    expect(isCodecError({ details: 'bufferAddCodecError' as never, error: new Error() })).toBe(true);
    expect(isCodecError({ details: 'fragLoadError' as never, error: new Error() })).toBe(false);
  });
});

describe('how far live is behind', () => {
  it('is a part, and what the recorder and the way may be late', () => {
    expect(syncS(0)).toBeCloseTo(1.3);
    expect(syncS(0.5)).toBeCloseTo(1.3);
    expect(syncS(1)).toBeCloseTo(1.8);
    expect(syncS(0.2)).toBeCloseTo(0.5);
  });
});

describe('keys', () => {
  const key = (name: string, extra = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...extra });
  it('do nothing while someone types or uses the browser’s own shortcuts', () => {
    expect(actionOf(key('k'), true, false)).toBeNull();
    expect(actionOf(key('l', { ctrlKey: true }), false, false)).toBeNull();
  });
  it('leave Space to a focused button', () => {
    expect(actionOf(key(' '), false, true)).toBeNull();
    expect(actionOf(key(' '), false, false)).toEqual({ do: 'toggle' });
  });
  it('seek', () => {
    expect(actionOf(key('j'), false, true)).toEqual({ do: 'skip', seconds: -10 });
    expect(actionOf(key('ArrowRight'), false, false)).toEqual({ do: 'skip', seconds: 10 });
  });
});
