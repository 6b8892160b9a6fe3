// The hatching of each class of causes on a canvas, as the stylesheet has it for other things (styles/tokens.css): a
// state can be read without colour.

import type { CauseClass } from '../shared/api/schema';

const TILE = 10;

type Lines = ReadonlyArray<[number, number, number, number]>;

const LINES: Record<CauseClass, Lines> = {
  network: [
    [-5, 10, 10, -5],
    [0, 15, 15, 0],
  ],
  camera: [
    [-5, 0, 10, 15],
    [0, -5, 15, 10],
  ],
  server: [
    [0, 10, 10, 0],
    [0, 0, 10, 10],
  ],
  administrative: [
    [2.5, 0, 2.5, 10],
    [7.5, 0, 7.5, 10],
  ],
  policy: [
    [0, 2.5, 10, 2.5],
    [0, 7.5, 10, 7.5],
  ],
};

const made = new Map<string, HTMLCanvasElement>();

export function hatchOf(c: CanvasRenderingContext2D, cls: CauseClass, colour: string): CanvasPattern | null {
  const key = `${cls} ${colour}`;
  let tile = made.get(key);
  if (!tile) {
    tile = document.createElement('canvas');
    tile.width = tile.height = TILE;
    const t = tile.getContext('2d');
    if (!t) return null;
    t.strokeStyle = colour;
    t.lineWidth = 1.5;
    for (const [x1, y1, x2, y2] of LINES[cls] ?? LINES.server) {
      t.beginPath();
      t.moveTo(x1, y1);
      t.lineTo(x2, y2);
      t.stroke();
    }
    made.set(key, tile);
  }
  return c.createPattern(tile, 'repeat');
}
