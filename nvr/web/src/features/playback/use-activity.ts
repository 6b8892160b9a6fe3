// The activity of one camera in a stretch: asked for when somebody wants it, and again while the server is at it.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { SECOND } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import { passagesOf, pointsOf, type ActivityPoint, type Passage, type PictureRegion } from './activity';

export interface ActivityAsked {
  camera: string;
  of: Bounds;
  region: PictureRegion | null;
}

export interface ActivityFound extends ActivityAsked {
  points: readonly ActivityPoint[];
  passages: readonly Passage[];
  /** How far keyframes are from each other; null: there are none. */
  apartS: number | null;
  /** Slices that are being made. */
  pending: number;
}

const AGAIN_MS = 1000;

export function useActivity(asked: ActivityAsked | null): { found: ActivityFound | null; failure: unknown } {
  const [found, setFound] = useState<ActivityFound | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    setFound(null);
    setFailure(null);
    if (!asked) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const answer = await api.activity(asked.camera, asked.of.start, asked.of.end, asked.region, stop.signal);
        const points = pointsOf(answer);
        const passages = passagesOf(points, (answer.apart_s ?? 0) * SECOND);
        setFailure(null);
        setFound({ ...asked, points, passages, apartS: answer.apart_s, pending: answer.pending });
        if (answer.pending > 0) timer = setTimeout(() => void ask(), AGAIN_MS);
      } catch (error) {
        if (!stop.signal.aborted) setFailure(error);
      }
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [asked]);
  return { found, failure };
}
