// The last picture of a camera. Its address changes once a minute at most; in between it is in memory.

import { snapshotUrl } from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { MINUTE, parseInstant, type Instant } from '../../shared/time/instant';
import type { Camera } from '../../shared/api/schema';
import { usePicture } from '../../shared/ui/pictures';

/** A moment that certainly has footage; null if there is none at all. */
export function thumbnailAt(camera: Pick<Camera, 'status' | 'last_footage'>): Instant | null {
  const { state, since, recorded_until: until } = camera.status;
  const newest = until ?? camera.last_footage;
  if (!newest) return null;
  const last = parseInstant(newest) - 200; // ends are exclusive, and the last frame began a little before
  if (state !== 'recording') return last;
  const minute = Math.floor(last / MINUTE) * MINUTE;
  const recordingSince = since ? parseInstant(since) + 1000 : minute;
  return Math.min(last, Math.max(minute, recordingSince));
}

export function Thumbnail({ camera }: { camera: Camera }) {
  const { t } = useWords();
  const at = thumbnailAt(camera);
  const url = at === null ? null : snapshotUrl(camera.id, at, 240);
  const picture = usePicture(url);
  if (picture === null) return <span class="thumb thumb-none">{t.cameras.noPicture}</span>;
  if (picture === undefined) return <span class="thumb" />;
  return (
    <img
      class="thumb"
      src={picture}
      alt={fill(t.cameras.snapshotOf, { name: camera.name })}
      decoding="async"
      width="128"
      height="72"
    />
  );
}
