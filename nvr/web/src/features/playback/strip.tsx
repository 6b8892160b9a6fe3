// One camera's pictures side by side on a scale of time, and its coverage below.

import { useEffect, useRef, useState } from 'preact/hooks';
import { keyframes, type KeyframePicture } from '../../player/together/keyframes';
import { KeyframeCanvas } from '../../player/together/painter';
import type { CameraTrack } from '../../shared/api/schema';
import { href } from '../../router';
import { fill, useWords } from '../../shared/i18n';
import { causeWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import { formatInstant, type Instant } from '../../shared/time/instant';
import { runAt, runsOf } from '../../timeline/columns';
import type { Bounds } from '../../timeline/geometry';

/** The moments of `count` pictures: each in the middle of its part, to the millisecond. */
export function momentsIn(bounds: Bounds, count: number): Instant[] {
  const part = (bounds.end - bounds.start) / count;
  return Array.from({ length: count }, (_, i) => Math.round(bounds.start + part * (i + 0.5)));
}

interface StripProps {
  camera: string;
  name: string;
  moments: readonly Instant[];
  track: CameraTrack | null;
  bounds: Bounds;
  at: Instant;
  zone: string;
}

export function Strip({ camera, name, moments, track, bounds, at, zone }: StripProps) {
  const { t, lang } = useWords();
  const canvases = useRef<Array<HTMLCanvasElement | null>>([]);
  const [loaded, setLoaded] = useState<Array<KeyframePicture | null>>([]);
  const columns = track?.lengths.reduce((sum, n) => sum + n, 0) ?? 1;
  useEffect(() => {
    const stop = new AbortController();
    keyframes.load([camera], moments, stop.signal).then(
      () => !stop.signal.aborted && setLoaded(moments.map((moment) => keyframes.find(camera, moment) ?? null)),
      () => undefined, // the coverage below says what there is
    );
    return () => stop.abort();
  }, [camera, moments.join(' ')]);
  useEffect(() => {
    if (loaded.length === 0) return;
    // One after the other, by one decoder: sixteen cameras have sixteen, and no more.
    const shared = document.createElement('canvas');
    shared.dataset['width'] = '320';
    const painter = new KeyframeCanvas(shared);
    let gone = false;
    void (async () => {
      for (const [i, picture] of loaded.entries()) {
        if (!picture || gone) continue;
        await painter.show(picture);
        const canvas = canvases.current[i];
        if (gone || !canvas || painter.shown !== picture) continue;
        [canvas.width, canvas.height] = [shared.width, shared.height];
        canvas.getContext('2d')?.drawImage(shared, 0, 0);
        canvas.dataset['drawn'] = 'yes';
      }
      painter.close();
    })();
    return () => {
      gone = true;
    };
  }, [loaded]);
  return (
    <>
      <div class="strip" role="group" tabIndex={0} aria-label={name}>
        {moments.map((moment, i) => {
          const column = Math.floor(((moment - bounds.start) / (bounds.end - bounds.start)) * columns);
          const run = track ? runAt(track, column) : null;
          const kind = run?.cls === 'administrative' ? 'decision' : run?.cls;
          const label = fill(t.find.pictureAt, { name, time: format.clock(moment, lang, zone) });
          return run && run.cls !== null ? (
            <div key={moment} class={`none h soft ${kind}`} data-testid="strip-none">
              <span>{causeWords(run.state, t)}</span>
            </div>
          ) : (
            <a
              key={moment}
              class="thumb"
              data-testid="strip-picture"
              aria-label={label}
              href={href('playback', { cameras: camera, at: formatInstant(moment) })}
            >
              <canvas ref={(element) => void (canvases.current[i] = element)} aria-hidden="true" />
            </a>
          );
        })}
      </div>
      <div class="track" aria-hidden="true">
        {track
          ? runsOf(track).map((run) =>
              run.state === 'unknown' && run.cls === null ? null : (
                <u
                  key={run.start}
                  class={`h ${run.cls === null ? 'footage' : run.cls === 'administrative' ? 'decision' : run.cls}`}
                  style={{ left: `${(run.start / columns) * 100}%`, width: `${(run.length / columns) * 100}%` }}
                />
              ),
            )
          : null}
        <i class="at" style={{ left: `${((at - bounds.start) / (bounds.end - bounds.start)) * 100}%` }} />
      </div>
    </>
  );
}
