// One place of a wall: the picture with the camera's name below it, or why there is none, since when, and what else
// fails with it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { WhoWatches } from '../../player/who-watches';
import { snapshotUrl } from '../../shared/api/client';
import { cameraHref } from '../../router';
import { serverNow } from '../../session';
import { placeOf, type FleetRow } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { causeWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import { formatInstant, parseInstant, SECOND } from '../../shared/time/instant';
import { kindOf, Mark } from '../../shared/ui/mark';
import { Icon } from '../../shared/ui/icons';
import { Sign } from '../../shared/ui/signs';
import { LastPicture } from '../cameras/thumbnail';
import { PtzPanel } from '../ptz/ptz-panel';
import type { LiveMessage } from './live-messages';
import { LiveVideo } from './live-video';
import { withIt, type FleetOutage } from './outages';

/** A picture that is older is said to be. */
const OLD_MS = 4000;
const STILL_MS = 2000;

export type TileFeed = (listener: (message: Exclude<LiveMessage, { kind: 'ping' }>) => void) => () => void;

interface TileProps {
  row: FleetRow;
  zone: string;
  outages: readonly FleetOutage[];
  feed: TileFeed;
  isChosen: boolean;
  /** It is the only one, from the main stream. */
  isOne: boolean;
  onChoose: () => void;
  onEnlarge: () => void;
  onRemove: (() => void) | null;
}

export function Tile({ row, zone, outages, feed, isChosen, isOne, onChoose, onEnlarge, onRemove }: TileProps) {
  const { t, lang } = useWords();
  const w = t.wall;
  const video = useRef<HTMLVideoElement>(null);
  const box = useRef<HTMLElement>(null);
  const player = useRef<LiveVideo | null>(null);
  const [playing, setPlaying] = useState(false);
  const [away, setAway] = useState<{ cause: string | null; error: string } | null>(null);
  const [stills, setStills] = useState(false);
  const [stream, setStream] = useState<'live' | 'main' | null>(null);
  const [age, setAge] = useState<number | null>(null);
  const [hasSound, setHasSound] = useState(false);
  const [isMuted, setMuted] = useState(true);
  const [, tick] = useState(0);

  useEffect(() => {
    const made = new LiveVideo(
      video.current!,
      () => setPlaying(true),
      () => setPlaying(false),
    );
    player.current = made;
    const stop = feed((message) => {
      if (message.kind === 'init') {
        const can = LiveVideo.canPlay(message.init);
        setStills(!can);
        setStream(message.init.stream);
        setHasSound(can && message.init.audio !== null);
        if (can) made.begin(message.init, message.data);
        else made.end();
      } else if (message.kind === 'fragment') {
        setAway(null);
        made.add(message.data, message.end);
      } else setAway({ cause: message.cause, error: message.error });
    });
    const timer = setInterval(() => {
      setAge(made.ageMs(serverNow()));
      tick((n) => n + 1); // how long it has been away
    }, SECOND);
    return () => {
      stop();
      clearInterval(timer);
      made.end();
    };
  }, [feed]);

  // A player that is made anew begins without sound.
  useEffect(() => void (video.current!.muted = isMuted), [feed, isMuted]);

  // What the fleet's list says counts: a camera may be recorded while only its stream for watching fails, and then it
  // is that which is said.
  const isDown = row.state !== 'recorded';
  const dark = isDown && !(stream === 'live' && away === null && playing);
  const since = row.since ? parseInstant(row.since) : null;
  const others = dark ? withIt(row, outages) : null;
  return (
    <article
      ref={box}
      class={`tile${isChosen ? ' sel' : ''}`}
      data-testid="tile"
      data-camera={row.id}
      data-playing={playing && !dark}
      data-stream={stream ?? ''}
      data-dark={dark}
      onPointerDown={onChoose}
    >
      <div class="pic">
        <video ref={video} muted playsInline disableRemotePlayback aria-label={fill(w.liveOf, { name: row.name })} />
        {stills && !dark ? <Stills row={row} /> : null}
        {dark ? null : <WhoWatches camera={row.id} zone={zone} />}
        {isOne ? <PtzPanel camera={row.id} /> : null}
        {!playing && !stills && !dark ? <Waiting row={row} away={away} /> : null}
        {dark ? (
          <div class={`away ${kindOf(row.class ?? 'unknown')}`} data-testid="tile-away">
            <Mark kind={kindOf(row.class ?? 'unknown')} tint>
              <span class="strong">{row.cause ? causeWords(row.cause, t) : t.cameras.noCause}</span>
            </Mark>
            {row.letter ? <span class="mut">{row.letter}</span> : null}
            {since !== null ? (
              <>
                <span class="big">{format.durationBetween(since, serverNow(), lang)}</span>
                <span class="mut" title={format.utc(since)}>
                  {fill(t.cameras.since, { time: format.shortDateTime(since, serverNow(), lang, zone) })}
                </span>
              </>
            ) : null}
            {others && others.count > 0 ? (
              <span class="mut more" data-testid="tile-others">
                {others.shared['isp']
                  ? fill(w.othersOf, { n: format.number(others.count, lang), what: others.shared['isp'] })
                  : fill(w.others, { n: format.number(others.count, lang) })}
                {others.shared['district'] ? `, ${others.shared['district']}` : ''}
              </span>
            ) : null}
          </div>
        ) : null}
      </div>
      <footer class="bar2">
        <b class="ell" translate={false}>
          {row.name}
        </b>
        <span class="opt ell" translate={false}>
          {placeOf(row)}
        </span>
        <span class="grow" />
        {!dark && age !== null && age > OLD_MS ? (
          <span class="tx-network nowrap" data-testid="tile-age">
            {fill(w.old, { length: format.duration(Math.round(age / SECOND), lang) })}
          </span>
        ) : null}
        <span class="acts">
          {hasSound && !dark ? (
            <button
              type="button"
              class="ib"
              data-testid="tile-sound"
              aria-pressed={!isMuted}
              aria-label={`${isMuted ? t.camera.unmute : t.camera.mute}: ${row.name}`}
              title={isMuted ? t.camera.unmute : t.camera.mute}
              onClick={() => setMuted(!isMuted)}
            >
              <Icon name={isMuted ? 'mute' : 'sound'} />
            </button>
          ) : null}
          <a
            class="ib"
            href={cameraHref(row.id, { at: formatInstant(Math.floor(serverNow()) - 10 * SECOND) })}
            aria-label={`${t.camera.back10}: ${row.name}`}
            title={t.camera.back10}
          >
            <Sign name="back" />
          </a>
          <a
            class="ib"
            href={snapshotUrl(row.id, null)}
            download
            aria-label={`${t.camera.snapshot}: ${row.name}`}
            title={t.camera.snapshot}
          >
            <Sign name="photo" />
          </a>
          <a
            class="ib"
            href={cameraHref(row.id)}
            aria-label={`${t.frame.playback}: ${row.name}`}
            title={t.frame.playback}
          >
            <Sign name="playback" />
          </a>
          {isOne ? (
            <button
              type="button"
              class="ib"
              aria-label={t.camera.fullscreen}
              title={t.camera.fullscreen}
              onClick={() => void box.current?.requestFullscreen?.()}
            >
              <Sign name="full" />
            </button>
          ) : (
            <button
              type="button"
              class="ib"
              data-testid="enlarge"
              aria-label={`${w.enlarge}: ${row.name}`}
              title={w.enlarge}
              onClick={onEnlarge}
            >
              <Sign name="full" />
            </button>
          )}
          {onRemove ? (
            <button
              type="button"
              class="ib"
              data-testid="remove-tile"
              aria-label={`${t.remove}: ${row.name}`}
              title={t.remove}
              onClick={onRemove}
            >
              <Sign name="cross" />
            </button>
          ) : null}
        </span>
      </footer>
    </article>
  );
}

function Waiting({ row, away }: { row: FleetRow; away: { cause: string | null; error: string } | null }) {
  const { t } = useWords();
  return (
    <div class="waiting">
      <LastPicture row={row} width={640} />
      <span class="tag" data-testid="tile-waiting">
        {away === null
          ? t.camera.connecting
          : `${t.camera.noLive}: ${away.cause ? causeWords(away.cause, t) : t.cameras.noCause}`}
      </span>
    </div>
  );
}

/** Where the browser can't play what the camera sends: a picture every two seconds, and a word about it. */
function Stills({ row }: { row: FleetRow }) {
  const { t } = useWords();
  const [at, setAt] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setAt((n) => n + 1), STILL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="waiting">
      <img
        src={`${snapshotUrl(row.id, null, 640, true)}&n=${at}`}
        alt={fill(t.cameras.snapshotOf, { name: row.name })}
      />
      <span class="tag">{t.wall.stills}</span>
    </div>
  );
}
