// Moments that were marked, with their notes: one's own and those of everybody who may play this footage.

import { useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Bookmark } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant, type Instant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { Sign } from '../../shared/ui/signs';
import { toast } from '../../shared/ui/toast';

interface BookmarksProps {
  list: readonly Bookmark[];
  /** The moment that is to be marked, and of which camera; null: none. */
  marking: { camera: string; at: Instant } | null;
  names: (camera: string) => string;
  zone: string;
  onSeek: (at: Instant) => void;
  onChanged: () => void;
  onMarked: () => void;
}

export function BookmarksPane({ list, marking, names, zone, onSeek, onChanged, onMarked }: BookmarksProps) {
  const { t, lang } = useWords();
  const p = t.playback;
  const [note, setNote] = useState('');
  const action = useAction();
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (marking) form.current?.querySelector('input')?.focus();
  }, [marking?.at, marking?.camera]);
  return (
    <>
      <h2>{p.bookmarks}</h2>
      {marking ? (
        <form
          ref={form}
          data-testid="bookmark-form"
          onSubmit={(event) => {
            event.preventDefault();
            void action
              .run(() => api.makeBookmark(marking.camera, marking.at, note))
              .then((ok) => {
                if (!ok) return;
                setNote('');
                toast({ text: fill(p.kept, { time: format.clock(marking.at, lang, zone) }) });
                onMarked();
                onChanged();
              });
          }}
        >
          <p>
            <b>{format.dateTime(marking.at, lang, zone)}</b> · {names(marking.camera)}
          </p>
          <TextField label={p.note} required data-testid="bookmark-note" value={note} onValue={setNote} />
          <ErrorText text={action.error} testid="bookmark-error" />
          <div class="actions">
            <button type="submit" class="primary" data-testid="bookmark-keep" disabled={action.busy}>
              {p.keep}
            </button>
            <button type="button" onClick={onMarked}>
              {t.cancel}
            </button>
          </div>
        </form>
      ) : null}
      {list.length === 0 && !marking ? <p class="muted">{p.noBookmarks}</p> : null}
      <div>
        {list.map((one) => {
          const at = parseInstant(one.at);
          return (
            <div class="gp" key={one.id} data-testid="bookmark-row">
              <button type="button" class="link" onClick={() => onSeek(at)}>
                {format.clock(at, lang, zone)}
              </button>
              <span>{one.note}</span>
              {one.mine ? (
                <button
                  type="button"
                  class="ib s"
                  data-testid="bookmark-remove"
                  aria-label={fill(p.removeBookmark, { time: format.clock(at, lang, zone) })}
                  disabled={action.busy}
                  onClick={() => void action.run(() => api.removeBookmark(one.id)).then((ok) => ok && onChanged())}
                >
                  <Sign name="cross" />
                </button>
              ) : (
                <span />
              )}
              <p>
                {names(one.camera)} · {fill(p.by, { who: one.made_by })}
              </p>
            </div>
          );
        })}
      </div>
    </>
  );
}
