// Which cameras a search shows, and in what order. Pure, because it runs over thousands of cameras at every keystroke.

import type { Camera, CameraState, Cause } from '../../shared/api/schema';

/** 'all', 'recording', 'not' or a cause. */
export type StateFilter = 'all' | 'recording' | 'not' | Cause;

/** Every word of the search must occur in the id, the name or a label. */
export function filterCameras(cameras: readonly Camera[], search: string, state: StateFilter): Camera[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return cameras.filter((camera) => {
    const { status } = camera;
    if (state === 'recording' && status.state !== 'recording') return false;
    if (state === 'not' && status.state === 'recording') return false;
    if (
      state !== 'all' &&
      state !== 'recording' &&
      state !== 'not' &&
      (status.state === 'recording' || status.cause !== state)
    )
      return false;
    if (words.length === 0) return true;
    const labels = Object.entries(camera.labels).map(([key, value]) => `${key}=${value}`);
    const text = [camera.id, camera.name, ...labels].join('\n').toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function countStates(cameras: readonly Camera[]): Record<CameraState, number> {
  const out: Record<CameraState, number> = { recording: 0, waiting: 0, off: 0 };
  for (const camera of cameras) out[camera.status.state] += 1;
  return out;
}

/** The causes in force now, most frequent first, for the filter. */
export function presentCauses(cameras: readonly Camera[]): Cause[] {
  const counts = new Map<Cause, number>();
  for (const { status } of cameras) {
    if (status.state !== 'recording' && status.cause) counts.set(status.cause, (counts.get(status.cause) ?? 0) + 1);
  }
  return [...counts.entries()].sort((a, b) => b[1] - a[1]).map(([cause]) => cause);
}

/** A list of thousands is megabytes: asked for less often, so that the page costs the server about the same. */
export function pauseFor(count: number): number {
  return count > 2000 ? 15_000 : count > 400 ? 8000 : 4000;
}
