// Passages of what moved, of the shares that the server answers. Pure.

import type { Activity } from '../../shared/api/schema';
import { parseInstant, SECOND, type Instant } from '../../shared/time/instant';

/** A rectangle of the picture, in shares of its width and height. */
export interface PictureRegion {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface ActivityPoint {
  at: Instant;
  share: number;
}

export interface Passage {
  start: Instant;
  end: Instant;
  /** The largest share of the picture that differed. */
  most: number;
}

/** Longer than the server compares at once. */
export const LONGEST_MS = 2 * 3600 * SECOND;

export function pointsOf(answer: Activity): ActivityPoint[] {
  let at = answer.first === null ? 0 : parseInstant(answer.first);
  return answer.shares.map((share, i) => {
    if (i > 0) at += answer.steps_ms[i - 1]!;
    return { at, share };
  });
}

/** Neighbouring keyframes in which something moved, as one; a still one or two between them do not end it. */
export function passagesOf(points: readonly ActivityPoint[], apartMs: number): Passage[] {
  const found: Passage[] = [];
  for (const { at, share } of points) {
    if (share <= 0) continue;
    const last = found.at(-1);
    if (last && at - last.end <= 3.5 * apartMs) {
      last.end = at;
      last.most = Math.max(last.most, share);
    } else found.push({ start: at, end: at, most: share });
  }
  return found.map((one) => ({ ...one, end: one.end + apartMs }));
}

/** The rectangle between two corners, within the picture; null: too small to be meant. */
export function regionBetween(a: { x: number; y: number }, b: { x: number; y: number }): PictureRegion | null {
  const within = (value: number): number => Math.min(Math.max(value, 0), 1);
  const region = {
    left: within(Math.min(a.x, b.x)),
    top: within(Math.min(a.y, b.y)),
    right: within(Math.max(a.x, b.x)),
    bottom: within(Math.max(a.y, b.y)),
  };
  return region.right - region.left < 0.02 || region.bottom - region.top < 0.02 ? null : region;
}

/** Where a picture of a size lies in a box that shows all of it, in shares of the box. */
export function placeOfPicture(
  box: { width: number; height: number },
  picture: { width: number; height: number },
): PictureRegion {
  if (picture.width === 0 || picture.height === 0 || box.width === 0 || box.height === 0)
    return { left: 0, top: 0, right: 1, bottom: 1 };
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const [x, y] = [(picture.width * scale) / box.width, (picture.height * scale) / box.height];
  return { left: (1 - x) / 2, top: (1 - y) / 2, right: (1 + x) / 2, bottom: (1 + y) / 2 };
}
