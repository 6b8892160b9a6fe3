// What is known of the camera beside its picture.

import { fill, useWords } from '../../shared/i18n';
import { codecName } from '../../player/codec';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Camera } from '../../shared/api/schema';
import { Time } from '../../shared/ui/time';

const CLOCK_IN_STEP_S = 0.5;

export function CameraFacts({ camera, zone }: { camera: Camera; zone: string }) {
  const { t, lang } = useWords();
  const { status } = camera;
  const picture = [
    status.codec ? codecName(status.codec) : null,
    status.width && status.height ? `${status.width} × ${status.height}` : null,
    status.frame_rate ? fill(t.camera.frames, { n: format.number(status.frame_rate, lang, 1) }) : null,
    status.bitrate_bps ? `${format.number(status.bitrate_bps / 1e6, lang, 2)} Mbit/s` : null,
  ]
    .filter(Boolean)
    .join(' · ');
  const note = status.state === 'recording' && status.detail && typeof status.detail === 'object' ? status.detail : {};
  const reason = typeof note['audio_reason'] === 'string' ? note['audio_reason'] : '';
  const audio =
    note['audio'] === 'unrecorded'
      ? fill(t.camera.audioUnrecorded, { why: reason })
      : note['audio'] === 'realigned'
        ? t.camera.audioRealigned
        : '';
  // The network delays what a camera says of its clock: less than this says nothing.
  const clockWords = (ahead: number): string => {
    if (Math.abs(ahead) < CLOCK_IN_STEP_S) return t.camera.clockInStep;
    const length = format.duration(Math.abs(ahead), lang);
    return ahead < 0 ? fill(t.camera.clockBehind, { length }) : fill(t.camera.clockAhead, { length });
  };
  return (
    <dl class="facts camera-facts" data-testid="camera-facts">
      {picture ? (
        <>
          <dt>{t.camera.facts}</dt>
          <dd>{picture}</dd>
        </>
      ) : null}
      {audio ? (
        <>
          <dt>{t.camera.audio}</dt>
          <dd data-testid="camera-audio">{audio}</dd>
        </>
      ) : null}
      {status.clock_offset_s !== null ? (
        <>
          <dt>{t.camera.clock}</dt>
          <dd data-testid="camera-clock">{clockWords(status.clock_offset_s)}</dd>
        </>
      ) : null}
      {camera.first_footage ? (
        <>
          <dt>{t.camera.firstFootage}</dt>
          <dd>
            <Time at={parseInstant(camera.first_footage)} zone={zone} />
          </dd>
        </>
      ) : null}
      {camera.last_footage ? (
        <>
          <dt>{t.camera.lastFootageAt}</dt>
          <dd>
            <Time at={parseInstant(camera.last_footage)} zone={zone} />
          </dd>
        </>
      ) : null}
    </dl>
  );
}

export function Shortcuts() {
  const { t } = useWords();
  return (
    <details class="shortcuts">
      <summary>{t.camera.shortcuts}</summary>
      <dl class="facts">
        {t.camera.shortcutRows.map(([keys, what]) => [
          <dt key={keys}>
            <kbd>{keys}</kbd>
          </dt>,
          <dd key={`${keys} what`}>{what}</dd>,
        ])}
      </dl>
    </details>
  );
}

export function Labels({ labels }: { labels: Record<string, string> }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return (
    <ul class="labels">
      {entries.map(([key, value]) => (
        <li key={key} title={key}>
          <span class="muted">{key}</span> {value}
        </li>
      ))}
    </ul>
  );
}
