// Paints a day on a canvas: ticks, footage, gaps by class, what is not known yet, and where the view lies in the day.
// Gaps are hatched as well as coloured, so that they differ from footage without colour vision.

import type { DayCoverage } from './day-coverage';
import { CAUSE_CLASS_VALUES, type CauseClass } from '../shared/api/schema';
import { paint, ticks, type Bounds } from './geometry';

export const RULER_PX = 20;
export const BAR_PX = 40;
export const STRIP_PX = 6;
export const HEIGHT_PX = RULER_PX + BAR_PX + 6 + STRIP_PX;

export interface Palette {
  ink: string;
  faint: string;
  line: string;
  empty: string;
  footage: string;
  classes: Record<CauseClass, string>;
  hatch: string;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const get = (name: string): string => style.getPropertyValue(name).trim();
  const classes = Object.fromEntries(CAUSE_CLASS_VALUES.map((c) => [c, get(`--gap-${c}`)])) as Record<
    CauseClass,
    string
  >;
  return {
    ink: get('--ink-2'),
    faint: get('--ink-3'),
    line: get('--line'),
    empty: get('--not-known'),
    footage: get('--footage'),
    classes,
    hatch: get('--hatch'),
  };
}

export interface Scene {
  view: Bounds;
  day: Bounds;
  coverage: DayCoverage | null;
  zone: string;
  label: (t: number) => string;
  clip: Bounds | null;
}

export function draw(canvas: HTMLCanvasElement, width: number, scene: Scene, palette: Palette): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT_PX * scale);
  const c = canvas.getContext('2d');
  if (!c || width <= 0) return;
  c.scale(scale, scale);
  c.clearRect(0, 0, width, HEIGHT_PX);
  const { view, day, coverage } = scene;

  c.fillStyle = palette.empty;
  c.fillRect(0, RULER_PX, width, BAR_PX);
  if (coverage) bars(c, coverage, view, width, RULER_PX, BAR_PX, palette, true);

  if (scene.clip) {
    c.fillStyle = palette.ink;
    c.globalAlpha = 0.45;
    for (const outside of [
      { start: view.start, end: scene.clip.start },
      { start: scene.clip.end, end: view.end },
    ]) {
      for (const p of paint([outside], view, width, 0)) c.fillRect(p.x, RULER_PX, p.width, BAR_PX);
    }
    c.globalAlpha = 1;
  }

  c.font = '11px system-ui, sans-serif';
  c.textBaseline = 'top';
  for (const tick of ticks(view, width, scene.zone)) {
    c.fillStyle = palette.line;
    c.fillRect(Math.round(tick.x), RULER_PX - 5, 1, 5);
    c.fillStyle = palette.ink;
    const text = scene.label(tick.t);
    const size = c.measureText(text).width;
    c.fillText(text, Math.max(0, Math.min(tick.x - size / 2, width - size)), 1);
  }

  // The whole day in small below, once the view is a part of it.
  if (view.end - view.start < day.end - day.start) {
    const y = HEIGHT_PX - STRIP_PX;
    c.fillStyle = palette.empty;
    c.fillRect(0, y, width, STRIP_PX);
    if (coverage) bars(c, coverage, day, width, y, STRIP_PX, palette, false);
    const [frame] = paint([view], day, width, 4);
    if (frame) {
      c.strokeStyle = palette.ink;
      c.lineWidth = 2;
      c.strokeRect(frame.x + 1, y - 2, Math.max(2, frame.width - 2), STRIP_PX + 2);
    }
  }
}

function bars(
  c: CanvasRenderingContext2D,
  coverage: DayCoverage,
  view: Bounds,
  width: number,
  y: number,
  height: number,
  palette: Palette,
  hatched: boolean,
): void {
  c.fillStyle = palette.footage;
  for (const p of paint(coverage.spans, view, width, 0.5)) c.fillRect(p.x, y, p.width, height);
  const hatch = hatched ? hatchPattern(c, palette.hatch) : null;
  for (const p of paint(coverage.gaps, view, width, 2)) {
    c.fillStyle = palette.classes[p.item.gap.class] ?? palette.classes.server;
    c.fillRect(p.x, y, p.width, height);
    if (hatch && p.width > 5) {
      c.fillStyle = hatch;
      c.fillRect(p.x, y, p.width, height);
    }
  }
}

function hatchPattern(c: CanvasRenderingContext2D, colour: string): CanvasPattern | null {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const t = tile.getContext('2d');
  if (!t) return null;
  t.strokeStyle = colour;
  t.lineWidth = 1.5;
  for (const from of [-8, 0, 8]) {
    t.beginPath();
    t.moveTo(from, 8);
    t.lineTo(from + 8, 0);
    t.stroke();
  }
  return c.createPattern(tile, 'repeat');
}
