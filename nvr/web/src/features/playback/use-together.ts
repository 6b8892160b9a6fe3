// Ties the player of several cameras to the elements of the page, for as long as both exist.

import { useEffect, useRef, useState } from 'preact/hooks';
import { TogetherPlayer, type TogetherState } from '../../player/together/together';
import { serverNow } from '../../session';
import type { Instant } from '../../shared/time/instant';

export interface TileElements {
  video: HTMLVideoElement | null;
  canvas: HTMLCanvasElement | null;
}

export interface Playing {
  together: TogetherPlayer | null;
  state: TogetherState | null;
}

export function useTogether(
  cameras: readonly string[],
  elements: { current: TileElements[] },
  at: Instant,
  isGap: (camera: string, at: Instant) => boolean,
): Playing {
  const [playing, setPlaying] = useState<Playing>({ together: null, state: null });
  const latest = useRef(isGap);
  latest.current = isGap;
  useEffect(() => {
    const found = elements.current.slice(0, cameras.length);
    if (found.length < cameras.length || found.some((one) => !one.video || !one.canvas)) return;
    const together = new TogetherPlayer(
      cameras,
      found.map((one) => ({ video: one.video!, canvas: one.canvas! })),
      at,
      serverNow,
      (camera, moment) => latest.current(camera, moment),
    );
    const off = together.state.subscribe((state) => setPlaying({ together, state }));
    setPlaying({ together, state: together.state.get() });
    return () => {
      off();
      together.destroy();
      setPlaying({ together: null, state: null });
    };
  }, [cameras.join(',')]);
  return playing;
}
