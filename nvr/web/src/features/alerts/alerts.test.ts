import { describe, expect, it } from 'vitest';
import type { Alert } from '../../shared/api/schema';
import type { FleetRow } from '../../shared/fleet';
import { alertCameras, alertGroups, classOf, commonOf, isKnown, othersRecorded, willCome } from './alert-groups';

const row = (id: string, labels: Record<string, string>, more: Partial<FleetRow> = {}): FleetRow => ({
  id,
  name: id,
  labels,
  state: 'down',
  text: '',
  ...more,
});
const alert = (id: string, more: Partial<Alert> = {}): Alert => ({
  id,
  kind: 'camera_down',
  subject: id,
  since: '2026-11-30T07:06:12Z',
  opened: '2026-11-30T07:06:42Z',
  resolved: null,
  flaps: 0,
  cameras: [id],
  members: [],
  detail: { cause: 'unreachable', class: 'network' },
  acknowledged: null,
  acknowledged_by: null,
  note: null,
  undelivered: [],
  ...more,
});

describe('alerts', () => {
  const away = [
    row('a', { isp: 'Telkom', district: 'Pedurungan' }),
    row('b', { isp: 'Telkom', district: 'Pedurungan' }),
    row('c', { isp: 'Telkom', district: 'Genuk' }),
  ];
  it('say what most of their cameras have in common, and who else is there', () => {
    expect(commonOf(away)).toEqual([
      { label: 'isp', value: 'Telkom', count: 3 },
      { label: 'district', value: 'Pedurungan', count: 2 },
    ]);
    expect(commonOf(away.slice(0, 1))).toEqual([]);
    const all = [
      ...away,
      row('d', { isp: 'Biznet', district: 'Pedurungan' }, { state: 'recorded' }),
      row('e', { isp: 'Telkom', district: 'Pedurungan' }, { state: 'recorded' }),
      row('f', { isp: 'Biznet', district: 'Pedurungan' }),
    ];
    expect(othersRecorded(away, all)).toEqual({ place: 'Pedurungan', count: 1 });
    expect(othersRecorded([row('x', {}), row('y', {})], all)).toBeNull();
  });
  it('are whose turn it is, known as a whole, and of what will come', () => {
    const byId = new Map(away.map((one) => [one.id, one]));
    const [together] = alertGroups([alert('a'), alert('b', { acknowledged_by: 'yusuf' })], byId);
    expect([classOf(together!, byId), isKnown(together!), alertCameras(together!)]).toEqual([
      'network',
      false,
      ['a', 'b'],
    ]);
    const member = (camera: string, well: string | null) => ({ camera, since: '', well, required: true });
    const group = alert('g', {
      kind: 'cameras_down',
      detail: {},
      cameras: ['a', 'b'],
      members: [member('a', '2026-11-30T08:00:00Z'), member('b', null)],
    });
    const [server] = alertGroups([group], new Map([['b', { ...away[1]!, class: 'server' as const }]]));
    expect(classOf(server!, new Map([['b', { ...away[1]!, class: 'server' as const }]]))).toBe('server');
    expect(alertCameras(server!)).toEqual(['b']);
    const full = alert('d1', { kind: 'disk_low', cameras: [], detail: {} });
    const [disk] = alertGroups([full], byId);
    expect([classOf(disk!, byId), willCome(disk!)]).toEqual(['server', true]);
    const [over] = alertGroups([{ ...full, resolved: '2026-11-30T09:00:00Z' }], byId);
    expect(willCome(over!)).toBe(false);
  });
});
