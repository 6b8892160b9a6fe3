import { describe, expect, it } from 'vitest';
import type { FleetRow } from '../../shared/fleet';
import { clusters, distanceKm, clusterAt, placed, project, toScreen, toWorld, viewOf, zoomed } from './projection';
import { featuresOf } from './streets';

const camera = (id: string, latitude: string, longitude: string, more: Partial<FleetRow> = {}): FleetRow => ({
  id,
  name: id,
  labels: { latitude, longitude },
  state: 'recorded',
  text: '',
  ...more,
});
const SIMPANG = project(110.4229, -6.9903);

describe('the map', () => {
  it('goes from Earth to the screen and back', () => {
    expect(project(0, 0)).toEqual({ x: 0.5, y: 0.5 });
    expect(project(180, 85.0511287).y).toBeCloseTo(0, 3);
    const view = { ...SIMPANG, scale: 2 ** 20 };
    expect(toScreen(view, 800, 600, SIMPANG)).toEqual({ x: 400, y: 300 });
    const back = toWorld(view, 800, 600, toScreen(view, 800, 600, project(110.43, -7)));
    expect(back.x).toBeCloseTo(project(110.43, -7).x, 9);
    const nearer = zoomed(view, 800, 600, { x: 100, y: 50 }, 2);
    expect(toWorld(nearer, 800, 600, { x: 100, y: 50 }).x).toBeCloseTo(toWorld(view, 800, 600, { x: 100, y: 50 }).x, 9);
    expect(zoomed(view, 800, 600, { x: 0, y: 0 }, 1e9).scale).toBeLessThanOrEqual(2 ** 27);
  });
  it('measures as the Earth does', () => {
    // Tugu Muda to Simpang Lima: some 1.6 km.
    expect(distanceKm(project(110.4092, -6.984), SIMPANG)).toBeGreaterThan(1.4);
    expect(distanceKm(project(110.4092, -6.984), SIMPANG)).toBeLessThan(1.9);
  });
  it('has cameras that say where they are, and no others', () => {
    const rows = [
      camera('a', '-6.99', '110.42'),
      camera('b', '', ''),
      camera('c', 'x', '110'),
      camera('d', '91', '110'),
      { ...camera('e', '', ''), labels: {} },
    ];
    expect(placed(rows).map(({ row }) => row.id)).toEqual(['a']);
  });
  it('shows all in one view, and never hides what is away in what is recorded', () => {
    const rows = [
      ...Array.from({ length: 40 }, (_, n) => camera(`ok-${n}`, String(-6.99 - n / 1e6), '110.42')),
      camera('away', '-6.99', '110.42', { state: 'down', class: 'network', since: '2026-11-30T07:06:12Z' }),
      camera('off', '-6.98', '110.5', { state: 'off', class: 'administrative' }),
    ];
    const all = placed(rows);
    const view = viewOf(
      all.map(({ at }) => at),
      1000,
      600,
    );
    const found = clusters(all, view, 1000, 600);
    expect(found.reduce((sum, { members }) => sum + members.length, 0)).toBe(42);
    // What needs a person is drawn last, over the others.
    expect(found.at(-1)!.kind).toBe('network');
    expect(found.at(-1)!.members).toHaveLength(1);
    expect(clusterAt(found, found.at(-1)!.at)!.members.map(({ row }) => row.id)).toContain('away');
    expect(clusterAt(found, { x: -500, y: -500 })).toBeNull();
    expect(clusters(all, { ...view, x: view.x + 0.4 }, 1000, 600)).toEqual([]);
  });
  it('reads every kind of GeoJSON file', () => {
    const point = { type: 'Point', coordinates: [110, -7] };
    expect(featuresOf({ features: [{ geometry: point }] })).toHaveLength(1);
    expect(featuresOf({ geometries: [point, point] })).toHaveLength(2);
    expect(featuresOf({ geometry: point })).toHaveLength(1);
    expect(featuresOf({})).toEqual([]);
  });
});
