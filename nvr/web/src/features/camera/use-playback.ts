// Ties a Playback to the elements of the page for as long as both exist.

import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Playback, type PlaybackState } from '../../player/playback';
import { dateOf, dayBounds } from '../../shared/time/zone';
import type { DayCoverage } from '../../timeline/day-coverage';

export interface Watching {
  playback: Playback | null;
  state: PlaybackState | null;
}

export function usePlayback(
  camera: string,
  video: RefObject<HTMLVideoElement | null>,
  canvas: RefObject<HTMLCanvasElement | null>,
  coverage: DayCoverage | null,
  zone: string,
): Watching {
  const shown = useRef(coverage);
  shown.current = coverage;
  const [watching, setWatching] = useState<Watching>({ playback: null, state: null });
  useEffect(() => {
    if (!video.current || !canvas.current) return;
    const playback = new Playback(
      video.current,
      canvas.current,
      camera,
      () => shown.current,
      (at) => dayBounds(dateOf(at, zone), zone),
    );
    setWatching({ playback, state: playback.state.get() });
    const off = playback.state.subscribe((state) => setWatching({ playback, state }));
    return () => {
      off();
      playback.destroy();
    };
  }, [camera, zone]);
  return watching;
}
