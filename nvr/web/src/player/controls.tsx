// The bar under the picture.

import { snapshotUrl } from '../shared/api/client';
import { fill, useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import type { Camera } from '../shared/api/schema';
import { Icon, IconButton } from '../shared/ui/icons';
import { SPEEDS, type Playback, type PlaybackState } from './playback';

interface ControlsProps {
  playback: Playback;
  state: PlaybackState;
  camera: Camera | null;
  zone: string;
  onFullscreen: () => void;
}

export function Controls({ playback, state, camera, zone, onFullscreen }: ControlsProps) {
  const { t, lang } = useWords();
  const live = state.mode === 'live';
  const c = t.camera;
  return (
    <div class="controls" role="toolbar" aria-label={c.player}>
      <div class="controls-group">
        <IconButton
          icon="back10"
          label={c.back10}
          testid="back-10"
          disabled={state.at === null}
          onClick={() => playback.skip(-10)}
        />
        <IconButton
          icon={state.playing ? 'pause' : 'play'}
          label={state.playing ? c.pause : c.play}
          testid="play"
          onClick={() => playback.toggle()}
        />
        <IconButton
          icon="forward10"
          label={c.forward10}
          testid="forward-10"
          disabled={live || state.at === null}
          onClick={() => playback.skip(10)}
        />
        <IconButton
          icon="frameBack"
          label={c.frameBack}
          testid="frame-back"
          disabled={live}
          onClick={() => void playback.step(-1)}
        />
        <IconButton
          icon="frameForward"
          label={c.frameForward}
          testid="frame-forward"
          disabled={live}
          onClick={() => void playback.step(1)}
        />
      </div>
      <output class="controls-time" data-testid="clock">
        {state.at === null ? '–' : <time title={format.utc(state.at)}>{format.dateTime(state.at, lang, zone)}</time>}
      </output>
      <div class="controls-group">
        <label class="speed">
          <span class="visually-hidden">{c.speed}</span>
          <select
            data-testid="speed"
            disabled={live}
            value={String(state.speed)}
            title={c.speed}
            onChange={(event) => playback.setSpeed(Number(event.currentTarget.value))}
          >
            {SPEEDS.map((speed) => (
              <option key={speed} value={String(speed)}>
                {format.number(speed, lang, 1)}×
              </option>
            ))}
          </select>
        </label>
        {camera?.audio ? (
          <IconButton
            icon={state.muted ? 'mute' : 'sound'}
            label={state.muted ? c.unmute : c.mute}
            testid="mute"
            onClick={() => playback.setMuted(!state.muted)}
          />
        ) : null}
        {camera && state.at !== null && !state.stop ? (
          <a
            class="button icon-button"
            data-testid="snapshot"
            href={snapshotUrl(camera.id, state.at)}
            aria-label={c.snapshot}
            title={c.snapshot}
            download
          >
            <Icon name="photo" />
          </a>
        ) : null}
        <IconButton icon="full" label={c.fullscreen} testid="fullscreen" onClick={onFullscreen} />
        <button
          type="button"
          class={`live-button ${live ? 'is-live' : ''}`}
          data-testid="live"
          aria-pressed={live}
          onClick={() => playback.goLive()}
        >
          <span class="live-dot" aria-hidden="true" />
          {c.live}
        </button>
        {live ? (
          <span class="latency" data-testid="latency">
            {state.livePicture && state.latencyS !== null
              ? fill(c.latency, { seconds: format.duration(state.latencyS, lang) })
              : ''}
          </span>
        ) : null}
      </div>
    </div>
  );
}
