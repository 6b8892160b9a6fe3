// Coverage of the cameras that are played, for a drawing and for words, asked again while it grows.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { serverNow } from '../../session';
import type { Tracks } from '../../shared/api/schema';
import { HOUR, MINUTE, parseInstant, type Instant } from '../../shared/time/instant';
import { dateOf, dayBounds, shiftDate, type CivilDate } from '../../shared/time/zone';
import { usePoll } from '../../shared/ui/poll';
import type { Runs } from '../../timeline/columns';
import type { GapAt } from '../../timeline/day-coverage';
import { within } from '../../player/together/decide';
import type { Bounds } from '../../timeline/geometry';

export interface CoverageOf {
  of: Bounds;
  columns: number;
  answer: Tracks;
}

const GROWING_MS = 5000;
const PAST_MS = 60_000;
/** While the wheel turns nothing is asked. */
const REST_MS = 120;

/** The last answer is kept while another is asked for: `of` says of which stretch it is. */
export function useCoverageOf(cameras: readonly string[], bounds: Bounds, columns: number): CoverageOf | null {
  const [asked, setAsked] = useState(bounds);
  const [found, setFound] = useState<CoverageOf | null>(null);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    const timer = setTimeout(() => setAsked(bounds), REST_MS);
    return () => clearTimeout(timer);
  }, [bounds.start, bounds.end]);
  usePoll(
    async (signal) => {
      if (cameras.length === 0) return;
      const answer = await api.tracks(cameras, asked.start, asked.end, columns, signal);
      setFound({ of: asked, columns, answer });
    },
    asked.end > serverNow() - MINUTE ? GROWING_MS : PAST_MS,
    `${cameras.join(',')} ${asked.start} ${asked.end} ${columns}`,
  );
  return found;
}

export function runsOfCamera(found: CoverageOf | null, camera: string): Runs | null {
  return found?.answer.tracks.find((track) => track.camera === camera) ?? null;
}

/** The gaps around a moment, each by itself and with its cause. */
export interface NearGaps {
  of: Bounds | null;
  asOf: Instant;
  byCamera: ReadonlyMap<string, readonly GapAt[]>;
}

const BEFORE_MS = 2 * HOUR;
const AFTER_MS = 4 * HOUR;

export function useNearGaps(cameras: readonly string[], at: Instant): NearGaps {
  const [middle, setMiddle] = useState(() => Math.floor(at / HOUR) * HOUR);
  const bounds = { start: middle - BEFORE_MS, end: middle + AFTER_MS };
  const isNear = at > bounds.start + HOUR / 2 && at < bounds.end - HOUR / 2;
  useEffect(() => {
    if (!isNear) setMiddle(Math.floor(at / HOUR) * HOUR);
  }, [isNear, at]);
  const found = useCoverageOf(cameras, bounds, 1);
  return useMemo(() => {
    const byCamera = new Map<string, readonly GapAt[]>();
    for (const track of found?.answer.tracks ?? [])
      byCamera.set(
        track.camera,
        (track.gaps ?? []).map((gap) => ({ start: parseInstant(gap.start), end: parseInstant(gap.end), gap })),
      );
    return { of: found?.of ?? null, asOf: found ? parseInstant(found.answer.as_of) : 0, byCamera };
  }, [found]);
}

export function gapAt(near: NearGaps, camera: string, at: Instant): GapAt | null {
  const found = within(near.byCamera.get(camera) ?? [], at);
  return found as GapAt | null;
}

export interface Month {
  first: CivilDate;
  days: number;
  bounds: Bounds;
}

export function monthOf(date: CivilDate, zone: string): Month {
  const first = `${date.slice(0, 7)}-01`;
  let next = shiftDate(first, 28);
  while (next.slice(0, 7) === first.slice(0, 7)) next = shiftDate(next, 1);
  const [start, end] = [dayBounds(first, zone).start, dayBounds(next, zone).start];
  return { first, days: Math.round((end - start) / (24 * HOUR)), bounds: { start, end } };
}

export { dateOf, dayBounds };
