// What stands beside the pictures: the day's gaps, what is to be saved, bookmarks, and how a picture came to be seen.

import type { Bookmark, Me } from '../../shared/api/schema';
import type { TileState } from '../../player/together/tile';
import { snapshotUrl, stillUrl } from '../../shared/api/client';
import { codecName } from '../../player/codec';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { formatInstant, parseInstant, type Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import { ActivityPane, type ActivityPaneProps } from './activity-pane';
import { BookmarksPane } from './bookmarks-pane';
import { GapsPane } from './gaps-pane';
import { SavePane } from './save-pane';
import type { CoverageOf } from './use-coverage';

export type Tab = 'gaps' | 'activity' | 'save' | 'bookmarks' | 'details';
const TABS: readonly Tab[] = ['gaps', 'activity', 'save', 'bookmarks', 'details'];

interface InspectorProps {
  me: Me;
  tab: Tab;
  onTab: (tab: Tab) => void;
  cameras: readonly string[];
  selected: string;
  names: (camera: string) => string;
  day: Bounds;
  at: Instant;
  zone: string;
  range: Bounds | null;
  state: TileState | null;
  tracks: CoverageOf | null;
  bookmarks: readonly Bookmark[];
  marking: { camera: string; at: Instant } | null;
  onMarked: () => void;
  onBookmarks: () => void;
  onSeek: (at: Instant) => void;
  onRange: (range: Bounds | null) => void;
  activity: Omit<ActivityPaneProps, 'selected' | 'names' | 'zone' | 'onSeek'>;
}

export function Inspector(props: InspectorProps) {
  const { tab, onTab, bookmarks } = props;
  const { t } = useWords();
  const p = t.playback;
  const names: Record<Tab, string> = {
    gaps: p.gaps,
    activity: t.activity.title,
    save: p.save,
    bookmarks: p.bookmarks,
    details: p.details,
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={p.inspector}>
        {TABS.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`pb-tab-${one}`}
            aria-selected={tab === one}
            aria-controls="pb-pane"
            tabIndex={tab === one ? 0 : -1}
            data-testid={`tab-${one}`}
            onClick={() => onTab(one)}
            onKeyDown={(event) => {
              const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
              if (by === 0) return;
              event.preventDefault();
              event.stopPropagation();
              const next = TABS[(TABS.indexOf(one) + by + TABS.length) % TABS.length]!;
              onTab(next);
              document.getElementById(`pb-tab-${next}`)?.focus();
            }}
          >
            {names[one]}
            {one === 'bookmarks' && bookmarks.length > 0 ? <span class="faint"> {bookmarks.length}</span> : null}
          </button>
        ))}
      </div>
      <div class="insp-body" id="pb-pane" role="tabpanel" aria-labelledby={`pb-tab-${tab}`} tabIndex={0}>
        <Granted {...props} />
        {tab === 'gaps' ? <GapsPane {...props} /> : null}
        {tab === 'activity' ? <ActivityPane {...props} {...props.activity} /> : null}
        {tab === 'save' ? <SavePane {...props} /> : null}
        {tab === 'bookmarks' ? <BookmarksPane {...props} list={bookmarks} onChanged={props.onBookmarks} /> : null}
        {tab === 'details' ? <Details {...props} /> : null}
      </div>
    </>
  );
}

/** Where a part only was granted, it is said which. */
function Granted({ tracks, names, zone }: InspectorProps) {
  const { t, lang } = useWords();
  const cut = (tracks?.answer.tracks ?? []).filter((track) => track.granted);
  return (
    <>
      {cut.map((track) => (
        <p key={track.camera} class="note" role="status" data-testid="not-granted">
          {fill(t.playback.notGranted, {
            name: names(track.camera),
            parts: track
              .granted!.map((part) => format.period(parseInstant(part.start), parseInstant(part.end), lang, zone))
              .join(', '),
          })}
        </p>
      ))}
    </>
  );
}

function Details({ selected, names, state, at, zone }: InspectorProps) {
  const { t, lang } = useWords();
  const p = t.playback;
  return (
    <>
      <h2 translate={false}>{names(selected)}</h2>
      <dl class="facts" data-testid="playback-details">
        <dt>{p.how}</dt>
        <dd data-testid="picture-how">
          {state?.undecodable
            ? fill(p.serverShown, { codec: codecName(state.undecodable) })
            : state?.how === 'keyframes'
              ? p.keyframesShown
              : p.everyFrameShown}
        </dd>
        <dt>{p.shownAt}</dt>
        <dd>
          {state?.pictureAt == null ? (
            '–'
          ) : (
            <time title={formatInstant(state.pictureAt)}>{format.dateTime(state.pictureAt, lang, zone)}</time>
          )}
        </dd>
        <dt>{p.clockNow}</dt>
        <dd>
          {format.dateTime(at, lang, zone)} · {format.utc(at)}
        </dd>
      </dl>
      <h2>{p.still}</h2>
      <p class="muted">{p.stillText}</p>
      <div class="actions">
        <a class="btn" data-testid="still-png" href={stillUrl(selected, at, 'png', lang)} download>
          PNG
        </a>
        <a class="btn" data-testid="still-pdf" href={stillUrl(selected, at, 'pdf', lang)} download>
          {p.stillPage}
        </a>
        <a class="btn" href={snapshotUrl(selected, at)} download>
          {p.stillPlain}
        </a>
      </div>
      <h2>{p.keys}</h2>
      <dl class="facts">
        {p.shortcutRows.map(([keys, what]) => [
          <dt key={keys}>
            <kbd>{keys}</kbd>
          </dt>,
          <dd key={`${keys} what`}>{what}</dd>,
        ])}
      </dl>
    </>
  );
}
