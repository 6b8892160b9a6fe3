// Which cameras a search shows where they are set up. Pure, because it runs at every keystroke.

import type { Camera } from '../../shared/api/schema';

/** Every word of the search must occur in the id, the name or a label. */
export function filterCameras(cameras: readonly Camera[], search: string): Camera[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return cameras.filter((camera) => {
    const labels = Object.entries(camera.labels).map(([key, value]) => `${key}=${value}`);
    const text = [camera.id, camera.name, ...labels].join('\n').toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}
