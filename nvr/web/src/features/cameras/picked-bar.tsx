// What can be done with the cameras that were chosen in the list.

import { useState } from 'preact/hooks';
import { playbackHref } from '../../frame/palette';
import { pageOf } from '../../pages';
import { href } from '../../router';
import { may } from '../../session';
import type { Me } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { Sign } from '../../shared/ui/signs';
import { LabelsSheet } from './labels-sheet';

/** As many as play together, and as a wall has places. */
const MOST_TOGETHER = 16;

export function PickedBar({ me, ids, onClear }: { me: Me; ids: readonly string[]; onClear: () => void }) {
  const { t, lang } = useWords();
  const c = t.cameras;
  const [labels, setLabels] = useState(false);
  const list = ids.join(',');
  const fits = ids.length <= MOST_TOGETHER;
  return (
    <div class="picked" data-testid="picked" data-count={ids.length}>
      <b class="strong">{fill(c.chosen, { n: format.number(ids.length, lang) })}</b>
      {fits ? null : <span class="mut no-phone">{fill(c.mostTogether, { n: MOST_TOGETHER })}</span>}
      <span class="grow" />
      {fits && may(me, 'playback') ? (
        <a class="btn primary" data-testid="picked-play" href={playbackHref(ids, null)}>
          <Sign name="playback" /> {c.play}
        </a>
      ) : null}
      {fits && may(me, 'live') && pageOf('wall') ? (
        <a class="btn" data-testid="picked-wall" href={href('wall', { cameras: list })}>
          <Sign name="wall" /> {c.toWall}
        </a>
      ) : null}
      {may(me, 'report') ? (
        <a class="btn opt" data-testid="picked-report" href={href('gaps', { cameras: list })}>
          <Sign name="gaps" /> {t.nav.gaps}
        </a>
      ) : null}
      {may(me, 'orders') ? (
        <a class="btn opt" data-testid="picked-order" href={href('new-order', { cameras: list })}>
          <Sign name="orders" /> {c.order}
        </a>
      ) : null}
      {may(me, 'edit_cameras') ? (
        <button type="button" class="opt" data-testid="picked-labels" onClick={() => setLabels(true)}>
          {t.admin.labels}
        </button>
      ) : null}
      <button
        type="button"
        class="ib"
        aria-label={c.clear}
        title={c.clear}
        data-testid="picked-clear"
        onClick={onClear}
      >
        <Sign name="cross" />
      </button>
      {labels ? <LabelsSheet ids={ids} onClose={() => setLabels(false)} /> : null}
    </div>
  );
}
