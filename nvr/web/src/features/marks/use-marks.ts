// What devices reported and analyses saw in the day that is played, of all cameras that are played.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { CameraMark } from '../../shared/api/schema';
import { parseInstant } from '../../shared/time/instant';
import { usePoll } from '../../shared/ui/poll';
import type { Bounds } from '../../timeline/geometry';
import type { TrackMark } from '../../timeline/tracks';

const AGAIN_MS = 15_000;

export function useMarks(cameras: readonly string[], day: Bounds): readonly CameraMark[] {
  const key = `${cameras.join(',')} ${day.start}`;
  const [found, setFound] = useState<{ key: string; marks: readonly CameraMark[] }>({ key, marks: [] });
  usePoll(
    async (signal) => {
      const answer = await api.marks({ cameras, start: day.start, end: day.end }, signal);
      setFound({ key, marks: answer.marks });
    },
    AGAIN_MS,
    key,
  );
  return found.key === key ? found.marks : [];
}

/** As the timeline has them. */
export function onTracks(marks: readonly CameraMark[], cameras: readonly string[]): TrackMark[] {
  return marks.map((one) => ({
    id: one.id,
    at: parseInstant(one.start),
    end: parseInstant(one.end),
    track: Math.max(cameras.indexOf(one.camera), 0),
    kind: one.kind,
  }));
}
