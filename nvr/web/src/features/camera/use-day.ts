// The coverage of the day on screen, asked again while the day is still being recorded.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { serverNow } from '../../session';
import { dayBounds, type CivilDate } from '../../shared/time/zone';
import type { Bounds } from '../../timeline/geometry';
import { usePoll } from '../../shared/ui/poll';
import { readCoverage, type DayCoverage } from '../../timeline/day-coverage';

const GROWING_MS = 4000;
/** A past day changes only when footage is deleted or its gaps are explained anew. */
const PAST_MS = 60_000;

export function useDay(
  camera: string,
  date: CivilDate,
  zone: string,
): { day: Bounds; coverage: DayCoverage | null; failed: boolean } {
  const day = dayBounds(date, zone);
  const key = `${camera} ${date} ${zone}`;
  const [found, setFound] = useState<{ key: string; coverage: DayCoverage } | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [key]);
  usePoll(
    async (signal) => {
      try {
        const coverage = readCoverage(await api.coverage(camera, day.start, day.end, signal));
        setFound({ key, coverage });
        setFailed(false);
      } catch (error) {
        if (!signal.aborted) setFailed(true);
        throw error;
      }
    },
    serverNow() < day.end + 60_000 ? GROWING_MS : PAST_MS,
    key,
  );
  return { day, coverage: found?.key === key ? found.coverage : null, failed };
}
