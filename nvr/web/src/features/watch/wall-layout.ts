// Which cameras are on a wall, and how it is laid out. Pure.

export const SIZES = [1, 4, 9, 16] as const;
export type WallSize = (typeof SIZES)[number];
/** In all, of a wall that goes on in turn. */
export const MOST_CAMERAS = 64;
export const TURN_S = 20;

export function sizeOf(text: string | null, cameras: number): WallSize {
  const asked = SIZES.find((size) => String(size) === text);
  return asked ?? SIZES.find((size) => size >= cameras) ?? 16;
}

export function columnsOf(size: WallSize, isNarrow: boolean): number {
  return isNarrow ? (size === 1 ? 1 : 2) : Math.sqrt(size);
}

export function idsOf(text: string | null): string[] {
  return [...new Set((text ?? '').split(',').filter(Boolean))].slice(0, MOST_CAMERAS);
}

/** The cameras of one turn of a wall that has more of them than places. */
export function turnOf(ids: readonly string[], size: number, turn: number): readonly string[] {
  const turns = Math.max(1, Math.ceil(ids.length / size));
  const at = ((turn % turns) + turns) % turns;
  return ids.slice(at * size, at * size + size);
}

export function toggled(ids: readonly string[], id: string): string[] {
  return ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
}
