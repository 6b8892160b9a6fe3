// When something moved before the chosen camera, in the stretch that is in view: found by comparing keyframes, when
// somebody asks. It says where pictures differ and never what is seen; what is shorter than two keyframes may be missed.

import { fill, useWords } from '../../shared/i18n';
import { errorWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import { LONGEST_MS, type PictureRegion } from './activity';
import type { ActivityAsked, ActivityFound } from './use-activity';

/** More are too many to look through: a region, or a shorter stretch, says more. */
const MOST_ROWS = 80;

export interface ActivityPaneProps {
  selected: string;
  names: (camera: string) => string;
  view: Bounds;
  zone: string;
  asked: ActivityAsked | null;
  found: ActivityFound | null;
  failure: unknown;
  region: PictureRegion | null;
  isDrawing: boolean;
  onAsk: (asked: ActivityAsked | null) => void;
  onDraw: (is: boolean) => void;
  onRegion: (region: PictureRegion | null) => void;
  onSeek: (at: Instant) => void;
}

export function ActivityPane(props: ActivityPaneProps) {
  const { selected, names, view, zone, asked, found, failure, region, isDrawing } = props;
  const { t, lang } = useWords();
  const a = t.activity;
  const isLong = view.end - view.start > LONGEST_MS;
  const passages = found?.passages ?? [];
  return (
    <>
      <h2 translate={false}>{names(selected)}</h2>
      <p class="muted">{a.text}</p>
      <div class="actions">
        <button
          type="button"
          class="primary"
          data-testid="activity-find"
          disabled={isLong}
          onClick={() => props.onAsk({ camera: selected, of: view, region })}
        >
          {a.find}
        </button>
        <button
          type="button"
          data-testid="activity-region"
          aria-pressed={isDrawing}
          onClick={() => props.onDraw(!isDrawing)}
        >
          {a.draw}
        </button>
        {region ? (
          <button type="button" data-testid="activity-whole" onClick={() => props.onRegion(null)}>
            {a.whole}
          </button>
        ) : null}
      </div>
      {isLong ? <p class="note">{a.tooLong}</p> : null}
      {isDrawing ? <p role="status">{a.drawing}</p> : null}
      {failure ? (
        <p class="error" role="alert">
          {errorWords(failure, t, lang)}
        </p>
      ) : null}
      {asked && !failure ? (
        <p role="status" data-testid="activity-words" data-pending={found?.pending ?? -1}>
          {format.period(asked.of.start, asked.of.end, lang, zone)}
          {': '}
          {!found || found.pending > 0
            ? fill(a.working, { n: found?.pending ?? '…' })
            : found.apartS === null
              ? a.nothing
              : passages.length === 0
                ? fill(a.still, { apart: format.duration(found.apartS, lang) })
                : fill(a.passages, { n: passages.length, apart: format.duration(found.apartS, lang) })}
        </p>
      ) : null}
      <ul class="activity-rows">
        {passages.slice(0, MOST_ROWS).map((one) => (
          <li key={one.start}>
            <button
              type="button"
              class="link"
              data-testid="activity-row"
              onClick={() => props.onSeek(Math.max(one.start - 1000, 0))}
            >
              {format.clock(one.start, lang, zone)}
            </button>
            <span class="num">{format.durationBetween(one.start, one.end, lang)}</span>
            <i class="activity-bar" aria-hidden="true">
              <u style={{ width: `${Math.min(100, Math.sqrt(one.most) * 100)}%` }} />
            </i>
          </li>
        ))}
      </ul>
      {passages.length > MOST_ROWS ? <p class="muted">{fill(a.more, { n: passages.length - MOST_ROWS })}</p> : null}
    </>
  );
}
