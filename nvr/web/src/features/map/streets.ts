// The operator's own GeoJSON as paths that are drawn at any zoom. Nothing is asked of anybody else.

import { API } from '../../shared/api/base';
import { send } from '../../shared/api/routes';
import { project, type Point } from './projection';

export interface Streets {
  /** What the paths count from, so that they stay exact. */
  origin: Point;
  areas: Path2D;
  water: Path2D;
  minor: Path2D;
  main: Path2D;
  names: Array<{ at: Point; name: string }>;
  /** For a first view where no camera says where it is. */
  corners: Point[];
}

type Position = readonly [number, number, ...number[]];
interface Geometry {
  type: string;
  coordinates?: unknown;
  geometries?: Geometry[];
}
interface Feature {
  geometry?: Geometry | null;
  properties?: Record<string, unknown> | null;
}

const MAIN = new Set(['motorway', 'trunk', 'primary', 'toll', 'big']);
/** Of paths, which keep 32-bit numbers: a unit is 2.4 m, and they count from a place among them. */
export const UNIT = 2 ** 24;

export async function loadStreets(signal: AbortSignal): Promise<Streets | null> {
  const answer = await send(`${API}/map/streets`, { signal, cache: 'default' });
  if (!answer.ok) return null;
  return streetsOf((await answer.json()) as { features?: Feature[]; geometry?: Geometry; geometries?: Geometry[] });
}

export function featuresOf(json: { features?: Feature[]; geometry?: Geometry; geometries?: Geometry[] }): Feature[] {
  if (json.features) return json.features;
  if (json.geometries) return json.geometries.map((geometry) => ({ geometry }));
  return json.geometry ? [json as Feature] : [];
}

function streetsOf(json: { features?: Feature[]; geometry?: Geometry; geometries?: Geometry[] }): Streets {
  let origin: Point | null = null;
  const made: Streets = {
    origin: { x: 0, y: 0 },
    areas: new Path2D(),
    water: new Path2D(),
    minor: new Path2D(),
    main: new Path2D(),
    names: [],
    corners: [],
  };
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  const point = (position: Position): Point => {
    const { x, y } = project(Number(position[0]), Number(position[1]));
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
    origin ??= made.origin = { x, y };
    return { x: (x - origin.x) * UNIT, y: (y - origin.y) * UNIT };
  };
  const line = (path: Path2D, positions: readonly Position[], closed: boolean): void => {
    positions.forEach((position, n) => {
      const { x, y } = point(position);
      if (n === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    });
    if (closed) path.closePath();
  };
  const take = (geometry: Geometry, properties: Record<string, unknown>): void => {
    const kind = String(properties['class'] ?? properties['highway'] ?? properties['natural'] ?? '');
    const street = MAIN.has(kind) ? made.main : made.minor;
    const area = kind === 'water' ? made.water : made.areas;
    const c = geometry.coordinates;
    if (geometry.type === 'LineString') line(street, c as Position[], false);
    else if (geometry.type === 'MultiLineString') for (const one of c as Position[][]) line(street, one, false);
    else if (geometry.type === 'Polygon') for (const ring of c as Position[][]) line(area, ring, true);
    else if (geometry.type === 'MultiPolygon')
      for (const one of c as Position[][][]) for (const ring of one) line(area, ring, true);
    else if (geometry.type === 'Point' && typeof properties['name'] === 'string') {
      const { x, y } = point(c as Position);
      made.names.push({ at: { x: x / UNIT + made.origin.x, y: y / UNIT + made.origin.y }, name: properties['name'] });
    } else for (const one of geometry.geometries ?? []) take(one, properties);
  };
  for (const feature of featuresOf(json)) if (feature.geometry) take(feature.geometry, feature.properties ?? {});
  if (left < right) made.corners = [{ x: left, y: top }, { x: right, y: bottom }]; // prettier-ignore
  return made;
}
