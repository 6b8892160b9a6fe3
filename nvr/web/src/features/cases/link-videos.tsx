// The videos of a package, to be looked at by its recipient: the recorded bytes, a file a stretch, with the time that
// is shown.

import { useEffect, useRef, useState } from 'preact/hooks';
import { fill, useWords } from '../../shared/i18n';
import type { OpenedLink } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';

export function LinkVideos({ told, reopen }: { told: OpenedLink; reopen: () => Promise<OpenedLink | null> }) {
  const { t, lang } = useWords();
  const l = t.link;
  const [chosen, setChosen] = useState(0);
  const [at, setAt] = useState(0);
  const [failed, setFailed] = useState(false);
  const video = useRef<HTMLVideoElement>(null);
  const shown = told.videos[chosen];
  const names = new Map(told.cameras.map((camera) => [camera.id, camera.name]));
  useEffect(() => {
    setAt(0);
    setFailed(false);
  }, [chosen]);
  if (!shown) return <div />;
  const start = parseInstant(shown.start);
  const label = (index: number): string => {
    const one = told.videos[index]!;
    return `${names.get(one.camera) ?? one.camera}, ${format.clock(parseInstant(one.start), lang, told.zone)}`;
  };
  return (
    <div class="link-videos">
      <figure class="link-video">
        <video
          key={shown.address}
          ref={video}
          src={shown.address}
          controls
          playsInline
          preload="metadata"
          aria-label={label(chosen)}
          data-testid="link-video"
          onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
          onEnded={() => chosen + 1 < told.videos.length && setChosen(chosen + 1)}
          onError={() => setFailed(true)}
        />
        <figcaption>
          <b translate={false}>{names.get(shown.camera) ?? shown.camera}</b>
          <span class="num" data-testid="link-video-time">
            {format.dateTime(start + at * 1000, lang, told.zone)}
          </span>
        </figcaption>
      </figure>
      {failed ? (
        <p class="note" role="alert">
          {l.noPlayer}{' '}
          <button type="button" onClick={() => void reopen().then(() => setFailed(false))}>
            {t.retry}
          </button>
        </p>
      ) : null}
      {told.videos.length > 1 ? (
        <ul class="link-parts" aria-label={fill(l.videos, { n: told.videos.length })}>
          {told.videos.map((one, index) => (
            <li key={one.name}>
              <button
                type="button"
                aria-pressed={index === chosen}
                data-testid="link-part"
                onClick={() => setChosen(index)}
              >
                {label(index)}
                <small>{format.durationBetween(parseInstant(one.start), parseInstant(one.end), lang)}</small>
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
