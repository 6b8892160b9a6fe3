// The words over the picture whenever there is none, or none yet: never an empty black box.

import { useState } from 'preact/hooks';
import { fill, useWords, type Words } from '../shared/i18n';
import { serverNow } from '../session';
import * as format from '../shared/time/format';
import { parseInstant, type Instant } from '../shared/time/instant';
import type { Camera } from '../shared/api/schema';
import { causeWords, detailWords, problemWords, stateWords } from '../shared/i18n/words';
import { codecName } from './codec';
import type { Playback, PlaybackState, Stop } from './playback';
import type { Trouble } from './trouble';

interface OverlayProps {
  state: PlaybackState;
  camera: Camera | null;
  /** The camera exists no more; its footage may. */
  removed: boolean;
  playback: Playback;
  zone: string;
  mayClip: boolean;
  onSaveClip: (at: Instant) => void;
}

export function Overlay(props: OverlayProps) {
  const { state, camera, playback, zone } = props;
  const { t } = useWords();
  const { stop, mode } = state;
  const codecTrouble = stop?.kind === 'trouble' && stop.trouble.kind === 'codec';

  if (mode === 'live' && camera && camera.status.state !== 'recording' && !codecTrouble)
    return <NotLive camera={camera} playback={playback} zone={zone} />;
  if (mode === 'live' && props.removed) return <Gone playback={playback} />;
  if (stop) return <Stopped {...props} stop={stop} />;
  if (mode === 'live' && !state.livePicture) return <Wait text={t.camera.connecting} />;
  return state.loading ? <Wait text={t.camera.loadingFootage} /> : null;
}

function Wait({ text }: { text: string }) {
  return (
    <div class="overlay overlay-wait" data-testid="overlay-loading" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{text}</span>
    </div>
  );
}

function NotLive({ camera, playback, zone }: { camera: Camera; playback: Playback; zone: string }) {
  const { t, lang } = useWords();
  const { status } = camera;
  const since = status.since ? parseInstant(status.since) : null;
  return (
    <div class="overlay" data-testid="overlay-not-live" role="status">
      <p class="overlay-title">{t.camera.noLive}</p>
      <p class={`overlay-cause gap-text-${status.class ?? 'server'}`} data-testid="overlay-cause">
        {stateWords(camera, t)}
      </p>
      {since !== null ? (
        <p title={format.utc(since)}>{fill(t.camera.since, { time: format.dateTime(since, lang, zone) })}</p>
      ) : null}
      {status.detail ? <p class="overlay-detail">{detailWords(status.detail, t)}</p> : null}
      <p class="overlay-detail">{t.camera.liveReturns}</p>
      {camera.last_footage ? (
        <FootageButtons playback={playback} at={parseInstant(camera.last_footage)} later={false} />
      ) : (
        <p>{t.camera.nothingYet}</p>
      )}
    </div>
  );
}

function Gone({ playback }: { playback: Playback }) {
  const { t } = useWords();
  return (
    <div class="overlay" data-testid="overlay-removed" role="status">
      <p class="overlay-title">{t.camera.noLive}</p>
      <p>{t.camera.removed}</p>
      <FootageButtons playback={playback} at={serverNow()} later={false} />
    </div>
  );
}

function Stopped({ stop, state, camera, playback, zone, mayClip, onSaveClip }: OverlayProps & { stop: Stop }) {
  const { t, lang } = useWords();
  switch (stop.kind) {
    case 'gap': {
      const { gap, start, end } = stop.gap;
      const period = gap.open
        ? fill(t.gapList.open, { start: format.dateTime(start, lang, zone), asOf: format.clock(stop.asOf, lang, zone) })
        : `${format.period(start, end, lang, zone)} (${format.duration(gap.duration_s, lang)})`;
      return (
        <div class="overlay" data-testid="overlay-gap" role="status">
          <p class="overlay-title">
            {t.camera.noFootage}:{' '}
            <span class={`gap-text-${gap.class}`} data-testid="overlay-cause">
              {causeWords(gap.cause, t)}
            </span>
          </p>
          <p>{period}</p>
          {gap.detail ? <p class="overlay-detail">{detailWords(gap.detail, t)}</p> : null}
          <FootageButtons playback={playback} at={stop.at} later={!gap.open} />
          {gap.open ? <LiveButton playback={playback} /> : null}
        </div>
      );
    }
    case 'not-yet':
    case 'edge':
      return (
        <div class="overlay" data-testid={`overlay-${stop.kind}`} role="status">
          <p class="overlay-title">{stop.kind === 'edge' ? t.camera.reachedEnd : t.camera.notYet}</p>
          <LiveButton playback={playback} />
        </div>
      );
    case 'blocked':
      return (
        <button
          type="button"
          class="overlay overlay-play"
          data-testid="overlay-blocked"
          onClick={() => playback.play()}
        >
          {t.camera.clickToPlay}
        </button>
      );
    case 'trouble':
      return (
        <div class="overlay" data-testid="overlay-trouble" role="alert">
          <TroubleWords trouble={stop.trouble} camera={camera} live={state.mode === 'live'} mayClip={mayClip} />
          <div class="overlay-actions">
            {stop.trouble.kind === 'codec' && mayClip && (state.at !== null || camera?.last_footage) ? (
              <button
                type="button"
                class="primary"
                data-testid="overlay-save-clip"
                onClick={() => onSaveClip(state.at ?? parseInstant(camera!.last_footage!))}
              >
                {t.camera.saveClipInstead}
              </button>
            ) : null}
            {stop.trouble.kind === 'codec' || stop.trouble.kind === 'no-mse' ? null : (
              <button type="button" data-testid="overlay-retry" onClick={() => playback.play()}>
                {t.retry}
              </button>
            )}
          </div>
        </div>
      );
  }
}

function TroubleWords({
  trouble,
  camera,
  live,
  mayClip,
}: {
  trouble: Trouble;
  camera: Camera | null;
  live: boolean;
  mayClip: boolean;
}) {
  const { t } = useWords();
  if (trouble.kind === 'codec' || trouble.kind === 'no-mse') {
    return (
      <>
        <p class="overlay-title">
          {trouble.kind === 'codec'
            ? fill(t.camera.codec, { name: codecName(trouble.codec ?? camera?.status.codec) })
            : t.camera.noMse}
        </p>
        {trouble.kind === 'codec' ? <p>{t.camera.codecHelp}</p> : null}
        {mayClip ? <p>{t.camera.codecClip}</p> : null}
      </>
    );
  }
  return (
    <>
      <p class="overlay-title">{live ? t.camera.liveFailed : t.camera.failed}</p>
      {trouble.kind === 'media' ? null : <p class="overlay-detail">{troubleReason(trouble, t)}</p>}
    </>
  );
}

function troubleReason(trouble: Extract<Trouble, { kind: 'server' | 'offline' }>, t: Words): string {
  return trouble.kind === 'offline' ? t.offline : problemWords(trouble.problem, t);
}

function LiveButton({ playback }: { playback: Playback }) {
  const { t } = useWords();
  return (
    <div class="overlay-actions">
      <button type="button" class="primary" data-testid="overlay-live" onClick={() => playback.goLive()}>
        {t.camera.goLive}
      </button>
    </div>
  );
}

/** Where to go from a moment without footage. A direction without footage answers in words instead of doing nothing. */
function FootageButtons({ playback, at, later }: { playback: Playback; at: Instant; later: boolean }) {
  const { t } = useWords();
  const [word, setWord] = useState<string | null>(null);
  const go = async (work: Promise<boolean>, nothing: string): Promise<void> => {
    try {
      if (!(await work)) setWord(nothing);
    } catch {
      setWord(t.offline);
    }
  };
  return (
    <>
      <div class="overlay-actions">
        <button
          type="button"
          class={later ? '' : 'primary'}
          data-testid="overlay-last-footage"
          onClick={() => void go(playback.lastFootage(at), t.camera.noEarlier)}
        >
          {t.camera.lastFootage}
        </button>
        {later ? (
          <button
            type="button"
            class="primary"
            data-testid="overlay-next-footage"
            onClick={() => void go(playback.nextFootage(at), t.camera.noLater)}
          >
            {t.camera.nextFootage}
          </button>
        ) : null}
      </div>
      {word ? <p role="status">{word}</p> : null}
    </>
  );
}
