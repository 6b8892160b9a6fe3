// A camera's state in words, with a colour that repeats them.

import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Camera } from '../../shared/api/schema';
import { stateWords } from '../../shared/i18n/words';

export function StateChip({ camera, zone }: { camera: Camera; zone: string }) {
  const { t, lang } = useWords();
  const { state, since, cause, class: who } = camera.status;
  const kind = who === null ? 'recording' : `gap-text-${who}`;
  const at = since ? parseInstant(since) : null;
  return (
    <span class={`state state-${kind}`} data-testid="camera-state" data-state={state} data-cause={cause ?? ''}>
      <span class="state-dot" aria-hidden="true" />
      <span class="state-words">{stateWords(camera, t)}</span>
      {at !== null ? (
        <span class="muted" title={`${format.dateTime(at, lang, zone)} = ${format.utc(at)}`}>
          {fill(t.cameras.since, { time: format.shortDateTime(at, serverNow(), lang, zone) })}
        </span>
      ) : null}
    </span>
  );
}
