import { describe, expect, it } from 'vitest';
import { cameraHref, parseRoute } from '../router';
import type { KindTally, Camera, FigureGroup } from '../shared/api/schema';
import { visible } from '../shared/ui/virtual';
import { filterCameras } from './cameras/camera-filter';
import { notShown } from '../shared/api/client';
import { share } from './cases/export-share';
import { CAMERA_ID, labelsToText, readLabels } from './cameras/labels-text';
import { changedRules } from './cameras/camera-form';
import { cellFill, heatRows, MANY_LEAST, ONE_LEAST } from './gaps/heat';
import { sumsByCause } from './gaps/report-sums';

const camera = (
  id: string,
  name: string,
  cause: 'stalled' | 'unreachable' | null,
  labels: Record<string, string> = {},
): Camera => ({
  id,
  name,
  labels,
  audio: false,
  source: 'file',
  first_footage: null,
  last_footage: null,
  status: {
    state: cause ? 'waiting' : 'recording',
    since: '',
    cause,
    class: null,
    detail: null,
    recorded_until: null,
    codec: null,
    width: null,
    height: null,
    bitrate_bps: null,
    frame_rate: null,
    clock_offset_s: null,
    counters: {},
  },
});
const cameras = [
  camera('north', 'Gerbang Utara', null, { district: 'Tembalang' }),
  camera('south', 'Gerbang Selatan', 'stalled', { district: 'Gajahmungkur' }),
  camera('east', 'Timur', 'stalled'),
  camera('west', 'Barat', 'unreachable'),
];

describe('the camera list', () => {
  it('is searched by every word, in ids, names and labels', () => {
    expect(filterCameras(cameras, 'gerbang').length).toBe(2);
    expect(filterCameras(cameras, ' GERBANG temb ').map((c) => c.id)).toEqual(['north']);
    expect(filterCameras(cameras, 'district=gajah').map((c) => c.id)).toEqual(['south']);
  });
  it('renders only rows near the screen', () => {
    expect(visible(-200, 800, 100, 10_000, 0)).toEqual({ first: 0, last: 6 });
    expect(visible(5000, 800, 100, 10_000, 2)).toEqual({ first: 48, last: 60 });
    expect(visible(1e9, 800, 100, 10_000)).toEqual({ first: 10_000, last: 10_000 });
    expect(visible(0, 800, 100, 3)).toEqual({ first: 0, last: 3 });
  });
});

describe('addresses', () => {
  it('lead to pages and back', () => {
    expect(parseRoute('').page).toBe('');
    expect(parseRoute('#/admin/users').page).toBe('users');
    expect(parseRoute('#/nowhere').page).toBe('');
    const route = parseRoute(cameraHref('north-gate', { at: '2026-11-23T14:05:06.123Z' }));
    expect([route.page, route.id, route.params.get('at')]).toEqual([
      'camera',
      'north-gate',
      '2026-11-23T14:05:06.123Z',
    ]);
    expect(parseRoute('#/cameras/%E0%A4%A').page).toBe('');
  });
});

describe('forms', () => {
  it('read labels and name the line that is none', () => {
    expect(readLabels('district=Tembalang\n\n isp = Telkom \nnote=a=b')).toEqual({
      labels: { district: 'Tembalang', isp: 'Telkom', note: 'a=b' },
    });
    expect(readLabels('district=Tembalang\noops')).toEqual({ wrong: 'oops' });
    expect(readLabels('=x')).toEqual({ wrong: '=x' });
    expect(labelsToText({ a: '1', b: '2' })).toBe('a=1\nb=2');
  });
  it('know a camera id', () => {
    for (const good of ['a', 'north-gate', '0', 'a'.repeat(63)]) expect(CAMERA_ID.test(good)).toBe(true);
    for (const bad of ['', '-a', 'North', 'a_b', 'a'.repeat(64), 'a b']) expect(CAMERA_ID.test(bad)).toBe(false);
  });
});

it('a report’s causes are those of the server, the longest first', () => {
  const by_kind: KindTally[] = [
    { cause: 'corrupt', class: 'camera', gaps: 2, missing_s: 7.5 },
    { cause: 'unreachable', class: 'network', gaps: 1, missing_s: 60 },
    { cause: 'corrupt', class: 'network', gaps: 1, missing_s: 1 },
  ];
  const total = {
    cameras: 2,
    asked_s: 67.5,
    recorded_s: 0,
    not_recorded_s: 67.5,
    no_longer_there_s: 0,
    not_required_s: 0,
    not_known_s: 0,
    gaps: 3,
    missing_s: 67.5,
    longest_s: 60,
    folded: { gaps: 0, missing_s: 0 },
    by_cause: {},
    by_class: {},
    by_kind,
  };
  const sums = sumsByCause({
    start: '',
    end: '',
    as_of: '',
    fold_s: 0,
    filters: {},
    gaps: [],
    omitted: 3,
    total,
    clock_steps: [],
  });
  expect(sums.map((s) => [s.cause, s.class, s.count, s.seconds])).toEqual([
    ['unreachable', 'network', 1, 60],
    ['corrupt', 'camera', 2, 7.5],
    ['corrupt', 'network', 1, 1],
  ]);
});

describe('rules of retention in the camera form', () => {
  it('sends what differs, and null for what was emptied', () => {
    const before = { priority: '0', max_age: '30d', min_age: '', max_bytes: '500GB' };
    expect(changedRules(before, before)).toEqual({});
    expect(changedRules(before, { priority: ' -5', max_age: '', min_age: ' 7d ', max_bytes: '500GB' })).toEqual({
      priority: -5,
      max_age: null,
      min_age: '7d',
    });
  });
});

describe('an export', () => {
  it('is at 100 % only when nothing is left', () => {
    expect(share({ done_bytes: 0, total_bytes: null })).toBe(0);
    expect(share({ done_bytes: 9999, total_bytes: 10000 })).toBe(99);
    expect(share({ done_bytes: 10000, total_bytes: 10000 })).toBe(100);
  });
});

describe('the picture of coverage', () => {
  const hour = (start: string, recorded_s: number, more: Partial<FigureGroup> = {}): FigureGroup => ({
    start,
    end: '',
    coverage: null,
    asked_s: recorded_s,
    recorded_s,
    not_recorded_s: 0,
    no_longer_there_s: 0,
    not_required_s: 0,
    not_known_s: 0,
    required_s: recorded_s,
    missing_s: 0,
    by_class: { network: 0, camera: 0, server: 0 },
    planned_s: 0,
    administrative_s: 0,
    absent_s: 0,
    removed_s: 0,
    outages: 0,
    longest_s: 0,
    mtbf_s: null,
    mttr_s: null,
    ...more,
  });
  it('has a row a day of the zone, and one cell for an hour that comes twice', () => {
    const start = Date.UTC(2026, 9, 24, 22);
    const groups = Array.from({ length: 25 }, (_, n) => hour(new Date(start + n * 3_600_000).toISOString(), 3600));
    const rows = heatRows(groups, 'Europe/Berlin');
    expect(rows.map((row) => row.date)).toEqual(['2026-10-25']);
    expect(rows[0]!.recorded).toBe(25 * 3600);
    expect(rows[0]!.cells.map((cell) => cell!.recorded / 3600)).toEqual([1, 1, 2, ...Array<number>(21).fill(1)]);
  });
  it('leaves hours empty that were not asked for', () => {
    const [row] = heatRows([hour('2026-11-23T14:00:00Z', 3600)], 'Asia/Jakarta');
    expect(row!.cells.filter(Boolean)).toHaveLength(1);
    expect(row!.cells[21]).not.toBeNull();
  });
  it('shows a short gap, and only whole hours as whole', () => {
    const cell = (group: FigureGroup) => heatRows([group], 'UTC')[0]!.cells[0]!;
    const at = '2026-11-23T00:00:00Z';
    expect(cellFill(cell(hour(at, 3600)), ONE_LEAST)).toEqual({ kind: 'recorded', share: 1 });
    expect(cellFill(cell(hour(at, 3599, { by_class: { network: 1, camera: 0, server: 0 } })), ONE_LEAST)).toEqual({
      kind: 'network',
      share: 7 / 8,
    });
    expect(
      cellFill(cell(hour(at, 3599, { by_class: { network: 1, camera: 0, server: 0 } })), MANY_LEAST).share,
    ).toBeGreaterThan(0.95);
    expect(cellFill(cell(hour(at, 0, { administrative_s: 3600 })), ONE_LEAST)).toEqual({
      kind: 'administrative',
      share: 0,
    });
    expect(cellFill(cell(hour(at, 900, { absent_s: 2700 })), ONE_LEAST)).toEqual({ kind: 'recorded', share: 1 });
    expect(cellFill(cell(hour(at, 0)), ONE_LEAST)).toEqual({ kind: 'unknown', share: 0 });
  });
});

describe('what a clip does not show', () => {
  it('has an address of its own, with all else that was asked', () => {
    expect(notShown('/api/cameras/gate/clip.mp4?start=a&end=b&gaps=keep', null)).toEqual([]);
    const header =
      '[{"start":"2026-11-23T14:00:01.000001Z","end":"2026-11-23T14:00:02Z","run":"1793437200000000-1-main"}]';
    expect(notShown('/api/cameras/gate/clip.mp4?start=a&end=b&gaps=keep', header)).toEqual([
      {
        start: '2026-11-23T14:00:01.000001Z',
        end: '2026-11-23T14:00:02Z',
        url:
          '/api/cameras/gate/clip.mp4?start=2026-11-23T14%3A00%3A01.000001Z&end=2026-11-23T14%3A00%3A02Z' +
          '&gaps=keep&run=1793437200000000-1-main',
      },
    ]);
  });
});
