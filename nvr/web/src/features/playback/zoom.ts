// Digital zoom of a picture: a scale and where its middle is. Pure. Invariant: the picture never leaves its frame.

export interface Zoom {
  /** 1: the whole picture. */
  scale: number;
  /** The middle of what is seen, as parts of the picture. */
  x: number;
  y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0.5, y: 0.5 };
export const LARGEST = 12;

function inside({ scale, x, y }: Zoom): Zoom {
  const size = Math.min(Math.max(scale, 1), LARGEST);
  const edge = 0.5 / size;
  const within = (v: number): number => Math.min(Math.max(v, edge), 1 - edge);
  return { scale: size, x: within(x), y: within(y) };
}

/** Larger by `factor` around a point of the frame, which stays where it is. */
export function zoomedAt(zoom: Zoom, factor: number, px: number, py: number): Zoom {
  const scale = Math.min(Math.max(zoom.scale * factor, 1), LARGEST);
  // What lies under the point, before and after.
  const at = (middle: number, p: number, s: number): number => middle + (p - 0.5) / s;
  const x = at(zoom.x, px, zoom.scale) - (px - 0.5) / scale;
  const y = at(zoom.y, py, zoom.scale) - (py - 0.5) / scale;
  return inside({ scale, x, y });
}

/** Moved by parts of the frame. */
export function movedBy(zoom: Zoom, dx: number, dy: number): Zoom {
  return inside({ scale: zoom.scale, x: zoom.x - dx / zoom.scale, y: zoom.y - dy / zoom.scale });
}

export function transformOf(zoom: Zoom): string {
  if (zoom.scale === 1) return 'none';
  const shift = (middle: number): number => (0.5 - middle) * 100 * zoom.scale;
  return `translate(${shift(zoom.x)}%, ${shift(zoom.y)}%) scale(${zoom.scale})`;
}
