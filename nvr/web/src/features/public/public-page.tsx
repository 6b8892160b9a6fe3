// What citizens see without a login: each public camera's named status and since when, and its last picture if it may
// be shown. When the server does not answer, what it said last stays, with a word about it: never a bare error.

import { useEffect, useState } from 'preact/hooks';
import { BASE } from '../../shared/api/base';
import * as api from '../../shared/api/client';
import { LanguageChoice } from '../../shared/ui/language';
import { fill, named, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { PublicCamera, PublicCameras } from '../../shared/api/schema';

import { usePoll } from '../../shared/ui/poll';
import { Time } from '../../shared/ui/time';
import { TextField } from '../../shared/ui/form';

const EVERY_MS = 15_000;
/** More than a screen holds; the search finds the rest. */
const MAX_CARDS = 120;

export function PublicPage() {
  const { t, lang } = useWords();
  const p = t.publicView;
  const [answer, setAnswer] = useState<PublicCameras | null>(null);
  const [trouble, setTrouble] = useState<'off' | 'late' | null>(null);
  const [search, setSearch] = useState('');
  usePoll(
    async (signal) => {
      try {
        setAnswer(await api.publicCameras(signal));
        setTrouble(null);
      } catch (error) {
        if (signal.aborted) return;
        setTrouble(error instanceof api.ApiError && error.code === 'public_off' ? 'off' : 'late');
      }
    },
    EVERY_MS,
    'public',
  );
  useEffect(() => {
    document.title = p.title;
  }, [p]);

  const wanted = search.trim().toLowerCase();
  const cameras = answer?.cameras ?? [];
  const found = cameras.filter((camera) => `${camera.name} ${camera.district ?? ''}`.toLowerCase().includes(wanted));
  const working = cameras.filter((camera) => camera.state === 'recording').length;
  return (
    <>
      <header class="top">
        <span class="brand">
          <img src={`${BASE}/favicon.svg`} alt="" width="24" height="24" /> {p.title}
        </span>
        <div class="top-end">
          <LanguageChoice />
        </div>
      </header>
      <main id="content" class="page" data-testid="public-page">
        {trouble === 'off' ? (
          <p class="panel" data-testid="public-off">
            {p.off}
          </p>
        ) : null}
        {trouble === 'late' ? (
          <p class="notice" role="status" data-testid="public-late">
            {answer ? p.late : t.offline}
          </p>
        ) : null}
        {!answer && !trouble ? (
          <p class="panel" role="status">
            {p.loading}
          </p>
        ) : null}
        {answer && trouble !== 'off' ? (
          <>
            <header class="page-head">
              <p class="counts" data-testid="public-counts">
                {fill(p.counts, { working: format.number(working, lang), all: format.number(cameras.length, lang) })}
              </p>
              <p class="muted">
                {fill(p.asOf, { time: format.dateTime(parseInstant(answer.as_of), lang, answer.zone) })}
              </p>
            </header>
            {cameras.length > 10 ? (
              <div class="filters">
                <TextField
                  label={p.search}
                  type="search"
                  data-testid="public-search"
                  placeholder={p.searchHint}
                  value={search}
                  onValue={setSearch}
                />
                <p class="muted">
                  {fill(t.cameras.shown, {
                    shown: String(Math.min(MAX_CARDS, found.length)),
                    all: String(cameras.length),
                  })}
                </p>
              </div>
            ) : null}
            {cameras.length === 0 ? <p class="panel">{p.none}</p> : null}
            <ul class="public-cards">
              {found.slice(0, MAX_CARDS).map((camera) => (
                <Card key={camera.id} camera={camera} zone={answer.zone} />
              ))}
            </ul>
          </>
        ) : null}
      </main>
    </>
  );
}

function Card({ camera, zone }: { camera: PublicCamera; zone: string }) {
  const { t, lang } = useWords();
  const p = t.publicView;
  const [broken, setBroken] = useState<string | null>(null);
  // A new picture has a new address, at most twice a minute: in between the browser's own cache answers.
  const picture =
    camera.picture && camera.picture_time
      ? `${camera.picture}?at=${Math.floor(parseInstant(camera.picture_time) / 30_000)}`
      : null;
  return (
    <li class="panel public-card" data-testid="public-camera" data-camera={camera.id} data-state={camera.state}>
      {picture && broken !== picture ? (
        <img
          src={picture}
          alt={
            camera.picture_time
              ? fill(p.pictureAt, { time: format.dateTime(parseInstant(camera.picture_time), lang, zone) })
              : ''
          }
          loading="lazy"
          onError={() => setBroken(picture)}
        />
      ) : (
        <span class="thumb-none public-none">{p.noPicture}</span>
      )}
      <h2>{camera.name}</h2>
      {camera.district ? <p class="muted">{camera.district}</p> : null}
      <p class={`state ${camera.state === 'recording' ? 'state-recording' : ''}`}>
        <span class="state-dot" aria-hidden="true" />{' '}
        <span class="state-words">{named(p.states, camera.state) ?? camera.state}</span>
        {camera.since ? (
          <span class="muted">{fill(p.since, { time: format.dateTime(parseInstant(camera.since), lang, zone) })}</span>
        ) : null}
      </p>
      {camera.state === 'recording' ? null : <p>{camera.text[lang]}</p>}
      {camera.order ? (
        <p class="hint" data-testid="public-letter">
          {fill(p.letter, { letter: camera.order.letter })}
          {camera.order.letter_date ? ` (${camera.order.letter_date})` : ''}
          {camera.order.expected_end
            ? `, ${fill(p.expected, { time: format.dateTime(parseInstant(camera.order.expected_end), lang, zone) })}`
            : ''}
        </p>
      ) : null}
      {picture && camera.picture_time ? (
        <p class="hint">
          {fill(p.pictureAt, { time: '' })}
          <Time at={parseInstant(camera.picture_time)} zone={zone} />
        </p>
      ) : null}
    </li>
  );
}
