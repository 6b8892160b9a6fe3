// What citizens see without a login: one sentence, each letter once, pictures first, and a line a camera without one.
// When the server does not answer, what it said last stays, with a word about it: never a bare error.

import { useEffect, useState } from 'preact/hooks';
import { BASE } from '../../shared/api/base';
import * as api from '../../shared/api/client';
import { fill, named, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { PublicCamera, PublicCameras } from '../../shared/api/schema';
import { LanguageChoice } from '../../shared/ui/language';
import { Mark, type StateKind } from '../../shared/ui/mark';
import { usePoll } from '../../shared/ui/poll';
import { Sign } from '../../shared/ui/signs';
import { LivePicture } from './live-picture';
import { districts, letters, searched, troubles, withPicture, type Letter } from './public-list';
import { ReportForm } from './report-form';
import './public.css';

const EVERY_MS = 15_000;
/** With a second in a cache between, a cut is on the screen within two. */
const HIDDEN_EVERY_MS = 900;
/** More than a screen holds; the search finds the rest. */
const MAX_CARDS = 60;
const MAX_ROWS = 40;

const KINDS: Record<string, StateKind> = {
  recording: 'ok',
  disabled: 'decision',
  maintenance: 'policy',
  schedule: 'policy',
  privacy: 'decision',
  setup: 'policy',
  network: 'network',
  camera: 'camera',
  server: 'server',
};
const kindOf = (state: string): StateKind => KINDS[state] ?? 'unknown';

export function PublicPage({ isEmbedded }: { isEmbedded: boolean }) {
  const { t, lang } = useWords();
  const p = t.publicView;
  const [answer, setAnswer] = useState<PublicCameras | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [trouble, setTrouble] = useState<'off' | 'late' | null>(null);
  const [search, setSearch] = useState('');
  const [letter, setLetter] = useState<string | null>(null);
  const [all, setAll] = useState(false);
  const [reporting, setReporting] = useState<PublicCamera | null>(null);
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
  usePoll(
    async (signal) => {
      const found = (await api.publicHidden(signal)).hidden;
      setHidden((before) =>
        found.length === before.size && found.every((id) => before.has(id)) ? before : new Set(found),
      );
    },
    HIDDEN_EVERY_MS,
    'hidden',
  );
  useEffect(() => {
    document.title = p.title;
  }, [p]);

  const cameras = (answer?.cameras ?? []).map((camera) =>
    hidden.has(camera.id) ? covered(camera, p.states.privacy) : camera,
  );
  const found = searched(cameras, search).filter((camera) => letter === null || camera.order?.letter === letter);
  const pictures = withPicture(found);
  const shownIds = new Set(pictures.map((camera) => camera.id));
  const others = districts(found.filter((camera) => !shownIds.has(camera.id)));
  const working = cameras.filter((camera) => camera.state === 'recording').length;
  const n = (value: number): string => format.number(value, lang);
  return (
    <div class={`public${isEmbedded ? ' embedded' : ''}`}>
      {isEmbedded ? null : (
        <header class="public-bar">
          <img src={`${BASE}/favicon.svg`} alt="" width="28" height="28" />
          <b>{p.title}</b>
          {answer ? (
            <span class="cap public-asof">
              {fill(p.asOf, { time: format.dateTime(parseInstant(answer.as_of), lang, answer.zone) })}
            </span>
          ) : null}
          <LanguageChoice />
        </header>
      )}
      <main id="content" class="public-main" data-testid="public-page">
        {trouble === 'off' ? (
          <p class="note" data-testid="public-off">
            {p.off}
          </p>
        ) : null}
        {trouble === 'late' ? (
          <p class="note network" role="status" data-testid="public-late">
            {answer ? p.late : t.offline}
          </p>
        ) : null}
        {!answer && !trouble ? <p role="status">{p.loading}</p> : null}
        {answer && trouble !== 'off' ? (
          <>
            <div class="public-head">
              <div>
                <h1 data-testid="public-counts">{fill(p.counts, { working: n(working), all: n(cameras.length) })}</h1>
                <p>
                  {troubles(cameras)
                    .map(([state, count]) => `${n(count)} ${(named(p.states, state) ?? state).toLocaleLowerCase()}`)
                    .join(' · ')}
                </p>
              </div>
              <label class="in-box">
                <Sign name="find" />
                <input
                  type="search"
                  data-testid="public-search"
                  aria-label={p.search}
                  placeholder={p.searchHint}
                  value={search}
                  onInput={(event) => setSearch(event.currentTarget.value)}
                />
              </label>
            </div>
            {letters(cameras).map((one) => (
              <LetterLine
                key={one.letter}
                letter={one}
                zone={answer.zone}
                isChosen={letter === one.letter}
                onChoose={() => setLetter(letter === one.letter ? null : one.letter)}
              />
            ))}
            {cameras.length === 0 ? <p class="note">{p.none}</p> : null}
            {cameras.length > 0 && found.length === 0 ? (
              <p class="note" data-testid="public-nothing">
                {fill(p.nothing, { search })}
              </p>
            ) : null}
            <ul class="public-cards">
              {pictures.slice(0, MAX_CARDS).map((camera) => (
                <Card
                  key={camera.id}
                  camera={camera}
                  zone={answer.zone}
                  now={parseInstant(answer.as_of)}
                  onReport={setReporting}
                />
              ))}
            </ul>
            {pictures.length > MAX_CARDS ? (
              <p class="mut">{fill(p.morePictures, { n: n(pictures.length - MAX_CARDS) })}</p>
            ) : null}
            {others.map((district) => (
              <section key={district.name ?? ''} class="public-district">
                <h2>
                  <span translate={false}>{district.name ?? p.elsewhere}</span>
                  <small>{fill(p.ofDistrict, { working: n(district.working), all: n(district.cameras.length) })}</small>
                </h2>
                <ul>
                  {(all ? district.cameras : district.cameras.slice(0, MAX_ROWS)).map((camera) => (
                    <Row key={camera.id} camera={camera} zone={answer.zone} onReport={setReporting} />
                  ))}
                </ul>
                {!all && district.cameras.length > MAX_ROWS ? (
                  <button type="button" onClick={() => setAll(true)}>
                    {fill(t.gapList.more, { n: n(district.cameras.length - MAX_ROWS) })}
                  </button>
                ) : null}
              </section>
            ))}
          </>
        ) : null}
      </main>
      {reporting ? <ReportForm camera={reporting} onClose={() => setReporting(null)} /> : null}
    </div>
  );
}

interface Reporting {
  onReport: (camera: PublicCamera) => void;
}

/** As it is after its view was cut, though the last answer says otherwise. */
function covered(camera: PublicCamera, text: string): PublicCamera {
  const texts = Object.fromEntries(Object.keys(camera.text).map((lang) => [lang, text]));
  return { ...camera, state: 'privacy', text: texts, order: null, picture: null, picture_time: null, live: null };
}

function LetterLine({
  letter,
  zone,
  isChosen,
  onChoose,
}: {
  letter: Letter;
  zone: string;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const { t, lang } = useWords();
  const p = t.publicView;
  return (
    <div class="letter" data-testid="public-letter">
      <i class="h decision" aria-hidden="true" />
      <b class="strong">{fill(p.byLetter, { n: letter.cameras.length, letter: letter.letter })}</b>
      <button type="button" aria-pressed={isChosen} data-testid="public-letter-which" onClick={onChoose}>
        {isChosen ? p.allCameras : p.which}
      </button>
      <p>
        {letter.date ? `${fill(p.letterOf, { date: letter.date })} ` : ''}
        {letter.expectedEnd
          ? fill(p.expectedEnd, { date: format.date(parseInstant(letter.expectedEnd), lang, zone) })
          : p.untilRevoked}
      </p>
    </div>
  );
}

function Card({ camera, zone, now, onReport }: { camera: PublicCamera; zone: string; now: number } & Reporting) {
  const { t, lang } = useWords();
  const p = t.publicView;
  const [isLive, setLive] = useState(false);
  const [broken, setBroken] = useState<string | null>(null);
  const at = parseInstant(camera.picture_time!);
  // A new picture has a new address, at most twice a minute: in between the browser's own cache answers.
  const picture = `${camera.picture}?at=${Math.floor(at / 30_000)}`;
  const isNow = camera.state === 'recording';
  const time = isNow ? format.clock(at, lang, zone) : format.dateTime(at, lang, zone);
  return (
    <li class="public-card" data-testid="public-camera" data-camera={camera.id} data-state={camera.state}>
      <div class={`thumb${isNow ? '' : ' old'}`}>
        {isLive && camera.live ? (
          <LivePicture source={camera.live} name={camera.name} onClose={() => setLive(false)} />
        ) : broken === picture ? (
          <span class="no-picture">{p.noPicture}</span>
        ) : (
          <img src={picture} alt="" loading="lazy" onError={() => setBroken(picture)} />
        )}
        {isLive && camera.live ? null : (
          <time dateTime={camera.picture_time!} data-testid="public-picture-time">
            {fill(isNow ? p.pictureAt : p.lastPicture, { time })}
          </time>
        )}
        {camera.live && !isLive ? (
          <button
            type="button"
            class="btn s public-go-live"
            data-testid="public-go-live"
            aria-label={`${p.goLive}: ${camera.name}`}
            onClick={() => setLive(true)}
          >
            {p.goLive}
          </button>
        ) : null}
      </div>
      <h3 class="ell" translate={false}>
        {camera.name}
      </h3>
      <p class="ell" translate={false}>
        {camera.district ?? ''}
      </p>
      {isNow ? null : (
        <p class="public-state">
          <Mark kind={kindOf(camera.state)}>{named(p.states, camera.state) ?? camera.state}</Mark>
          <Since camera={camera} zone={zone} now={now} />
        </p>
      )}
      <Report camera={camera} onReport={onReport} />
    </li>
  );
}

function Report({ camera, onReport }: { camera: PublicCamera } & Reporting) {
  const { t } = useWords();
  return (
    <button
      type="button"
      class="link public-report"
      data-testid="public-report"
      aria-label={fill(t.publicView.reportOf, { name: camera.name })}
      onClick={() => onReport(camera)}
    >
      {t.publicView.report}
    </button>
  );
}

function Since({ camera, zone, now }: { camera: PublicCamera; zone: string; now: number }) {
  const { t, lang } = useWords();
  if (!camera.since) return null;
  const time = format.shortDateTime(parseInstant(camera.since), now, lang, zone);
  return <span class="mut"> {fill(t.publicView.since, { time })}</span>;
}

function Row({ camera, zone, onReport }: { camera: PublicCamera; zone: string } & Reporting) {
  const { t, lang } = useWords();
  const p = t.publicView;
  return (
    <li data-testid="public-camera" data-camera={camera.id} data-state={camera.state}>
      <span translate={false}>{camera.name}</span>
      <Mark kind={kindOf(camera.state)}>{named(p.states, camera.state) ?? camera.state}</Mark>
      <span class="mut">
        {camera.order
          ? fill(p.letter, { letter: camera.order.letter })
          : camera.state === 'recording'
            ? p.statusOnly
            : camera.since
              ? fill(p.since, { time: format.dateTime(parseInstant(camera.since), lang, zone) })
              : ''}{' '}
        <Report camera={camera} onReport={onReport} />
      </span>
    </li>
  );
}
