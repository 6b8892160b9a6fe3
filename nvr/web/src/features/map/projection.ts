// From where on Earth to where on the screen (Web Mercator, in units of which the world is 1 wide), and which cameras
// stand together at a zoom. Pure.

import type { FleetRow } from '../../shared/fleet';
import { kindOf, type StateKind } from '../../shared/ui/mark';

export interface Point {
  x: number;
  y: number;
}

/** What is in the middle, and how many pixels the world is wide. */
export interface MapView extends Point {
  scale: number;
}

const MOST_LATITUDE = 85.05;

export function project(lon: number, lat: number): Point {
  const clipped = Math.min(MOST_LATITUDE, Math.max(-MOST_LATITUDE, lat));
  const sin = Math.sin((clipped * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI) };
}

export function toScreen(view: MapView, width: number, height: number, point: Point): Point {
  return { x: (point.x - view.x) * view.scale + width / 2, y: (point.y - view.y) * view.scale + height / 2 };
}

export function toWorld(view: MapView, width: number, height: number, screen: Point): Point {
  return { x: (screen.x - width / 2) / view.scale + view.x, y: (screen.y - height / 2) / view.scale + view.y };
}

export const LEAST_SCALE = 2 ** 11;
export const MOST_SCALE = 2 ** 27;

/** Another zoom, the place under `at` staying where it is. */
export function zoomed(view: MapView, width: number, height: number, at: Point, by: number): MapView {
  const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, view.scale * by));
  const fixed = toWorld(view, width, height, at);
  return {
    scale,
    x: fixed.x - (at.x - width / 2) / scale,
    y: fixed.y - (at.y - height / 2) / scale,
  };
}

/** All of these in sight, with a margin. */
export function viewOf(points: readonly Point[], width: number, height: number): MapView {
  if (points.length === 0) return { x: 0.5, y: 0.5, scale: LEAST_SCALE };
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const room = 0.88;
  const scale = Math.min((width * room) / Math.max(right - left, 1e-6), (height * room) / Math.max(bottom - top, 1e-6));
  return {
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    scale: Math.min(MOST_SCALE / 8, Math.max(LEAST_SCALE, scale)),
  };
}

export interface Placed {
  row: FleetRow;
  at: Point;
  kind: StateKind;
}

/** Cameras whose labels say where they are. What is no place on Earth is none. */
export function placed(rows: readonly FleetRow[]): Placed[] {
  const found: Placed[] = [];
  for (const row of rows) {
    const lat = Number(row.labels['latitude'] || NaN);
    const lon = Number(row.labels['longitude'] || NaN);
    if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) continue;
    const kind = row.state === 'recorded' ? 'ok' : kindOf(row.class ?? 'unknown');
    found.push({ row, at: project(lon, lat), kind });
  }
  return found;
}

export interface Cluster {
  /** In pixels. */
  at: Point;
  members: Placed[];
  kind: StateKind;
}

/** What needs a person comes first: one camera away among a hundred that are recorded must be seen. */
const WORST: readonly StateKind[] = ['server', 'network', 'camera', 'unknown', 'decision', 'policy', 'ok'];
const TOGETHER_PX = 36;

/**
 * Those that would lie over each other, by cause: what is away is never hidden in what is recorded. Those that are
 * outside of the screen are left out.
 */
export function clusters(found: readonly Placed[], view: MapView, width: number, height: number): Cluster[] {
  const cells = new Map<string, { x: number; y: number; members: Placed[] }>();
  for (const one of found) {
    const { x, y } = toScreen(view, width, height, one.at);
    if (x < -TOGETHER_PX || y < -TOGETHER_PX || x > width + TOGETHER_PX || y > height + TOGETHER_PX) continue;
    // Cells of the world, not of the screen: what stands together stays together while the map is moved.
    const [column, row] = [one.at.x, one.at.y].map((at) => Math.floor((at * view.scale) / TOGETHER_PX));
    const key = `${one.kind} ${column} ${row}`;
    const cell = cells.get(key) ?? { x: 0, y: 0, members: [] };
    cell.x += x;
    cell.y += y;
    cell.members.push(one);
    cells.set(key, cell);
  }
  return [...cells.values()]
    .map(({ x, y, members }) => ({
      at: { x: x / members.length, y: y / members.length },
      members,
      kind: members[0]!.kind,
    }))
    .sort((a, b) => WORST.indexOf(b.kind) - WORST.indexOf(a.kind));
}

export function clusterAt(found: readonly Cluster[], at: Point, radius = 16): Cluster | null {
  let best: Cluster | null = null;
  let nearest = radius;
  for (const cluster of found) {
    const distance = Math.hypot(cluster.at.x - at.x, cluster.at.y - at.y);
    if (distance <= nearest + (cluster.members.length > 1 ? 4 : 0)) {
      best = cluster;
      nearest = Math.min(nearest, distance);
    }
  }
  return best;
}

/** Kilometres between two places that are near each other. */
export function distanceKm(a: Point, b: Point): number {
  const latitude = Math.atan(Math.sinh(Math.PI * (1 - 2 * a.y)));
  return Math.hypot(a.x - b.x, a.y - b.y) * 40_075 * Math.cos(latitude);
}
