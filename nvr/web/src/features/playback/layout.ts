// How many tiles stand beside each other. Pure.

export const MOST_TILES = 16;

export function columnsFor(tiles: number): number {
  return tiles <= 1 ? 1 : tiles <= 4 ? 2 : tiles <= 9 ? 3 : 4;
}

/** The cameras that an address names: each once, at most as many as there are tiles. */
export function camerasOf(params: URLSearchParams): string[] {
  const named = (params.get('cameras') ?? '').split(',').concat(params.getAll('camera'));
  return [...new Set(named.map((id) => id.trim()).filter(Boolean))].slice(0, MOST_TILES);
}
