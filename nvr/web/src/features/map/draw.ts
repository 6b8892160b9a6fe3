// Drawing the map: streets under, cameras over them. A state is a colour and a shape, so that it can be read without
// the colour.

import type { Lang } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import type { StateKind } from '../../shared/ui/mark';
import { toScreen, type Cluster, type MapView } from './projection';
import { UNIT, type Streets } from './streets';

export function drawMap(
  canvas: HTMLCanvasElement,
  size: { width: number; height: number },
  view: MapView,
  streets: Streets | null,
  found: readonly Cluster[],
  lang: Lang,
): void {
  const ratio = devicePixelRatio || 1;
  const { width, height } = size;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colour('land');
  context.fillRect(0, 0, width, height);
  if (streets) drawStreets(context, size, ratio, view, streets, colour);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const cluster of found) drawCluster(context, cluster, colour, lang);
}

function drawStreets(
  context: CanvasRenderingContext2D,
  { width, height }: { width: number; height: number },
  ratio: number,
  view: MapView,
  streets: Streets,
  colour: (name: string) => string,
): void {
  const unit = view.scale / UNIT;
  const origin = toScreen(view, width, height, streets.origin);
  context.setTransform(unit * ratio, 0, 0, unit * ratio, origin.x * ratio, origin.y * ratio);
  context.lineJoin = context.lineCap = 'round';
  const px = 1 / unit;
  context.fillStyle = colour('sea');
  context.fill(streets.water, 'evenodd');
  context.strokeStyle = colour('line-2');
  context.lineWidth = px;
  context.stroke(streets.areas);
  context.strokeStyle = colour('road-2');
  context.lineWidth = 4 * px;
  context.stroke(streets.main);
  context.lineWidth = 1.6 * px;
  context.stroke(streets.minor);
  context.strokeStyle = colour('road');
  context.lineWidth = 2.4 * px;
  context.stroke(streets.main);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colour('text-3');
  context.textAlign = 'center';
  context.font = '11px Inter, "Segoe UI", Roboto, Arial, sans-serif';
  for (const { at, name } of streets.names) {
    const { x, y } = toScreen(view, width, height, at);
    if (x > 0 && y > 0 && x < width && y < height) context.fillText(name, x, y);
  }
}

function drawCluster(
  context: CanvasRenderingContext2D,
  cluster: Cluster,
  colour: (name: string) => string,
  lang: Lang,
): void {
  const { x, y } = cluster.at;
  const count = cluster.members.length;
  context.fillStyle = colour(cluster.kind === 'unknown' ? 'policy' : cluster.kind);
  context.strokeStyle = colour('panel');
  context.lineWidth = 1.5;
  const radius = count === 1 ? 5 : 9 + Math.min(9, Math.log2(count) * 1.5);
  shape(context, cluster.kind, x, y, radius);
  context.fill();
  context.stroke();
  if (count === 1) return;
  context.fillStyle = cluster.kind === 'policy' || cluster.kind === 'unknown' ? colour('panel') : '#0b0d11';
  context.font = '600 11px Inter, "Segoe UI", Roboto, Arial, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(format.number(count, lang), x, y + 0.5);
  context.textBaseline = 'alphabetic';
}

/** Dot, diamond, square, cross, triangle, ring: as marks are everywhere. */
function shape(context: CanvasRenderingContext2D, kind: StateKind, x: number, y: number, r: number): void {
  context.beginPath();
  if (kind === 'network') {
    context.moveTo(x, y - r * 1.2);
    context.lineTo(x + r * 1.2, y);
    context.lineTo(x, y + r * 1.2);
    context.lineTo(x - r * 1.2, y);
    context.closePath();
  } else if (kind === 'camera') context.rect(x - r, y - r, 2 * r, 2 * r);
  else if (kind === 'decision') {
    context.moveTo(x, y - r * 1.2);
    context.lineTo(x + r * 1.25, y + r);
    context.lineTo(x - r * 1.25, y + r);
    context.closePath();
  } else if (kind === 'server') {
    const w = r * 0.45;
    context.rect(x - w, y - r * 1.15, 2 * w, 2.3 * r);
    context.rect(x - r * 1.15, y - w, 2.3 * r, 2 * w);
  } else context.arc(x, y, r, 0, 2 * Math.PI);
}
