// What an order does to the city, beside what the server's dry run says: by district, on the map, for citizens. Pure.

import type { FleetRow } from '../../shared/fleet';
import { placed, type Placed } from '../map/projection';

export interface DistrictSum {
  /** Null: cameras without this label. */
  district: string | null;
  chosen: number;
  all: number;
}

export interface OrderSums {
  /** The most cameras first. */
  districts: DistrictSum[];
  /** Chosen cameras that citizens know of. */
  citizens: number;
  /** Pictures that citizens see now, and those of them that go. */
  publicChosen: number;
  publicAll: number;
  /** Cameras that are not off by an order before, and those of them that are not chosen. */
  onBefore: number;
  onAfter: number;
  /** All cameras that say where they are; those that are chosen are drawn as off. */
  places: Placed[];
}

const isOff = (row: FleetRow): boolean => row.state === 'off';
/** As the server reads it: of one with `status` the state alone is public. */
const publicly = (row: FleetRow): string => row.labels['public']?.toLowerCase() ?? '';

export function orderSums(ids: readonly string[], rows: readonly FleetRow[]): OrderSums {
  const chosen = new Set(ids);
  const byDistrict = new Map<string | null, DistrictSum>();
  let [citizens, publicChosen, publicAll, onBefore, onAfter] = [0, 0, 0, 0, 0];
  for (const row of rows) {
    const is = chosen.has(row.id);
    const district = row.labels['district'] ?? null;
    const sum = byDistrict.get(district) ?? { district, chosen: 0, all: 0 };
    sum.all += 1;
    if (is) sum.chosen += 1;
    byDistrict.set(district, sum);
    if (is && ['yes', 'status'].includes(publicly(row))) citizens += 1;
    if (isOff(row)) continue;
    onBefore += 1;
    if (!is) onAfter += 1;
    if (publicly(row) !== 'yes') continue;
    publicAll += 1;
    if (is) publicChosen += 1;
  }
  return {
    districts: [...byDistrict.values()]
      .filter((sum) => sum.chosen > 0)
      .sort((a, b) => b.chosen - a.chosen || (a.district ?? '').localeCompare(b.district ?? '')),
    citizens,
    publicChosen,
    publicAll,
    onBefore,
    onAfter,
    places: placed(rows).map((one) => (chosen.has(one.row.id) ? { ...one, kind: 'decision' } : one)),
  };
}
