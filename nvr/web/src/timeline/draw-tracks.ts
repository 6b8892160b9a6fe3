// Paints a track for each camera under one ruler. Drawing 16 tracks of a month's gaps takes a few milliseconds, since
// the server folds them to columns (player.md).

import type { CauseClass } from '../shared/api/schema';
import type { Run } from './columns';
import type { Palette } from './draw';
import { hatchOf } from './hatch';
import { ticks, xOf, type Bounds } from './geometry';

export const RULER = 24;
export const LANE_GAP = 4;

/** Of one track, without the space between: so that sixteen fit under a picture. */
export function laneHeight(count: number): number {
  return count <= 4 ? 20 : count <= 9 ? 14 : 9;
}

export function tracksHeight(count: number): number {
  return RULER + count * (laneHeight(count) + LANE_GAP);
}

export interface TracksScene {
  view: Bounds;
  tracks: ReadonlyArray<readonly Run[]>;
  /** Which stretch the runs' columns are, and how many there are. */
  of: Bounds;
  columns: number;
  zone: string;
  label: (t: number) => string;
}

export function context(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const c = canvas.getContext('2d');
  if (!c || width <= 0) return null;
  c.scale(scale, scale);
  c.clearRect(0, 0, width, height);
  return c;
}

export function drawTracks(canvas: HTMLCanvasElement, width: number, scene: TracksScene, palette: Palette): void {
  const count = scene.tracks.length;
  const c = context(canvas, width, tracksHeight(count));
  if (!c) return;
  const lane = laneHeight(count);
  const { view, of, columns } = scene;
  const perColumn = (of.end - of.start) / columns;
  scene.tracks.forEach((runs, i) => {
    const y = RULER + i * (lane + LANE_GAP) + LANE_GAP / 2;
    c.fillStyle = palette.empty;
    c.fillRect(0, y, width, lane);
    for (const run of runs) {
      const x = xOf(of.start + run.start * perColumn, view, width);
      const end = xOf(of.start + (run.start + run.length) * perColumn, view, width);
      if (end > 0 && x < width) bar(c, run, Math.max(x, 0), y, Math.min(end, width) - Math.max(x, 0), lane, palette);
    }
  });
  c.font = '11px system-ui, sans-serif';
  c.textBaseline = 'top';
  for (const tick of ticks(view, width, scene.zone)) {
    c.fillStyle = palette.line;
    c.fillRect(Math.round(tick.x), RULER - 5, 1, 5);
    c.fillStyle = palette.faint;
    const text = scene.label(tick.t);
    const size = c.measureText(text).width;
    c.fillText(text, Math.max(0, Math.min(tick.x - size / 2, width - size)), 5);
  }
}

export function drawStrip(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  runs: readonly Run[],
  columns: number,
  palette: Palette,
): void {
  const c = context(canvas, width, height);
  if (!c) return;
  c.fillStyle = palette.empty;
  c.fillRect(0, 0, width, height);
  for (const run of runs) {
    const x = (run.start / columns) * width;
    bar(c, run, x, 0, Math.max((run.length / columns) * width, 1), height, palette);
  }
}

function bar(
  c: CanvasRenderingContext2D,
  run: Run,
  x: number,
  y: number,
  width: number,
  height: number,
  palette: Palette,
): void {
  if (run.state === 'unknown' && run.cls === null) return;
  if (run.cls === null) {
    c.fillStyle = palette.footage;
    c.fillRect(x, y, width, height);
    return;
  }
  const cls: CauseClass = run.cls;
  const wide = Math.max(width, 2);
  c.fillStyle = palette.classes[cls] ?? palette.classes.server;
  c.fillRect(x, y, wide, height);
  const hatch = wide > 5 ? hatchOf(c, cls, palette.hatch) : null;
  if (hatch) {
    c.fillStyle = hatch;
    c.fillRect(x, y, wide, height);
  }
}
