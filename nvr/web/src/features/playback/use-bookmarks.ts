// The bookmarks of the day on the timeline, of all cameras that are played.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Bookmark } from '../../shared/api/schema';
import type { Bounds } from '../../timeline/geometry';

/** The list, and what asks for it again. */
export function useBookmarks(cameras: readonly string[], day: Bounds): [readonly Bookmark[], () => void] {
  const [found, setFound] = useState<readonly Bookmark[]>([]);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    api.bookmarks(cameras, day.start, day.end, stop.signal).then(
      (answer) => setFound(answer.bookmarks),
      () => undefined, // they are asked for again with the next day
    );
    return () => stop.abort();
  }, [cameras.join(','), day.start, asked]);
  return [found, () => setAsked((n) => n + 1)];
}
