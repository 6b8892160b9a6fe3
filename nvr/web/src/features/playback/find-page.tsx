// The investigator's start: where and when, and a strip of pictures of each camera on one scale, with what was
// recorded. The pictures are keyframes, decoded by the browser.

import '../../styles/playback.css';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { PageProps } from '../../page-def';
import { href, setQuery } from '../../router';
import { serverNow } from '../../session';
import { hasWords, placeOf, useFleet, wordsIn, type FleetRow } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { formatInstant, MINUTE, parseInstant, SECOND, type Instant } from '../../shared/time/instant';
import { Field, valueOf } from '../../shared/ui/field';
import { Sign } from '../../shared/ui/signs';
import { TimeField } from '../../shared/ui/time-field';
import type { Bounds } from '../../timeline/geometry';
import { MOST_TILES } from './layout';
import { momentsIn, Strip } from './strip';
import { useCoverageOf, type CoverageOf } from './use-coverage';

const AROUND = [5 * MINUTE, 10 * MINUTE, 30 * MINUTE] as const;
const PICTURES = 6;
const COLUMNS = 360;

export function FindPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const f = t.find;
  const zone = me.zone;
  const fleet = useFleet();
  const [text, setText] = useState(params.get('where') ?? '');
  const [at, setAt] = useState<Instant | null>(() => momentOf(params));
  const [around, setAround] = useState<number>(() => Number(params.get('around')) * MINUTE || AROUND[1]);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [order, setOrder] = useState<'name' | 'coverage'>('name');
  const words = wordsIn(text);
  const rows = useMemo(
    () => (words.length === 0 ? [] : (fleet.rows ?? []).filter((row) => hasWords(row, words))),
    [fleet.rows, text],
  );
  const cameras = useMemo(() => rows.slice(0, MOST_TILES).map((row) => row.id), [rows]);
  // At once: whoever follows a link right after finds what was asked when they come back.
  useEffect(
    () =>
      setQuery({
        where: text.trim(),
        at: at === null ? null : formatInstant(Math.round(at)),
        around: around === AROUND[1] ? null : String(around / MINUTE),
      }),
    [text, at, around],
  );
  // Up to the last whole minute, or it would be another range with each moment.
  const now = Math.floor(serverNow() / MINUTE) * MINUTE;
  const bounds: Bounds | null = at === null ? null : { start: at - around, end: Math.min(at + around, now) };
  const isAsked = bounds !== null && bounds.end > bounds.start && cameras.length > 0;
  const play = chosen.length > 0 ? chosen : cameras.slice(0, 4);

  return (
    <div class="find-page" data-testid="find-page">
      <h1>{f.title}</h1>
      <form class="ask" role="search" onSubmit={(event) => event.preventDefault()}>
        <Field label={f.where}>
          {(a) => (
            <input
              {...a}
              type="search"
              data-testid="find-where"
              placeholder={f.whereHint}
              autocomplete="off"
              value={text}
              onInput={(event) => {
                setText(valueOf(event));
                setChosen([]);
              }}
            />
          )}
        </Field>
        <TimeField label={f.when} at={at} zone={zone} testid="find-when" onAt={setAt} />
        <span class="seg" role="group" aria-label={f.when}>
          {AROUND.map((one) => (
            <button key={one} type="button" aria-pressed={around === one} onClick={() => setAround(one)}>
              {fill(f.around, { length: format.duration(one / SECOND, lang) })}
            </button>
          ))}
        </span>
      </form>
      {!isAsked ? (
        <p class="muted" data-testid="find-begin">
          {words.length > 0 && fleet.rows && rows.length === 0 ? f.none : f.begin}
        </p>
      ) : (
        <Results
          key={cameras.join(',')}
          rows={rows.slice(0, MOST_TILES)}
          count={rows.length}
          bounds={bounds!}
          at={at!}
          zone={zone}
          order={order}
          onOrder={setOrder}
          chosen={chosen}
          onChosen={setChosen}
          playHref={href('playback', { cameras: play.join(','), at: formatInstant(Math.round(at!)) })}
          playCount={play.length}
        />
      )}
    </div>
  );
}

function momentOf(params: URLSearchParams): Instant | null {
  try {
    return parseInstant(params.get('at') ?? '');
  } catch {
    return null;
  }
}

interface ResultsProps {
  rows: readonly FleetRow[];
  count: number;
  bounds: Bounds;
  at: Instant;
  zone: string;
  order: 'name' | 'coverage';
  onOrder: (order: 'name' | 'coverage') => void;
  chosen: readonly string[];
  onChosen: (chosen: readonly string[]) => void;
  playHref: string;
  playCount: number;
}

function Results({
  rows,
  count,
  bounds,
  at,
  zone,
  order,
  onOrder,
  chosen,
  onChosen,
  playHref,
  playCount,
}: ResultsProps) {
  const { t, lang } = useWords();
  const f = t.find;
  const cameras = rows.map((row) => row.id);
  const coverage = useCoverageOf(cameras, bounds, COLUMNS);
  const moments = momentsIn(bounds, PICTURES);
  const share = (id: string): number => coverage?.answer.tracks.find((one) => one.camera === id)?.recorded_s ?? 0;
  const sorted = order === 'name' ? rows : [...rows].sort((a, b) => share(b.id) - share(a.id));
  return (
    <section class="res" aria-label={f.results} data-testid="find-results">
      <header>
        <h2>{fill(f.found, { n: count, period: format.period(bounds.start, bounds.end, lang, zone) })}</h2>
        <span class="grow" />
        <span class="seg opt" role="group" aria-label={f.order}>
          <button type="button" aria-pressed={order === 'name'} onClick={() => onOrder('name')}>
            {f.byName}
          </button>
          <button type="button" aria-pressed={order === 'coverage'} onClick={() => onOrder('coverage')}>
            {f.byCoverage}
          </button>
        </span>
        <a class="button primary" data-testid="find-play" href={playHref}>
          <Sign name="playback" /> {fill(f.play, { n: playCount })}
        </a>
      </header>
      {count > rows.length ? <p class="muted">{fill(f.most, { most: rows.length, n: count })}</p> : null}
      <div class="times" aria-hidden="true">
        <span>{fill(f.chosen, { n: chosen.length, all: rows.length })}</span>
        <div>
          {moments.map((moment) => (
            <span
              key={moment}
              class={Math.abs(moment - at) < (bounds.end - bounds.start) / PICTURES / 2 ? 'is-at' : ''}
            >
              {format.clock(moment, lang, zone)}
            </span>
          ))}
        </div>
      </div>
      {sorted.map((row) => (
        <Row key={row.id} row={row} {...{ coverage, moments, bounds, at, zone, chosen, onChosen }} />
      ))}
    </section>
  );
}

function Row({
  row,
  coverage,
  moments,
  bounds,
  at,
  zone,
  chosen,
  onChosen,
}: {
  row: FleetRow;
  coverage: CoverageOf | null;
  moments: readonly Instant[];
  bounds: Bounds;
  at: Instant;
  zone: string;
  chosen: readonly string[];
  onChosen: (chosen: readonly string[]) => void;
}) {
  const { t, lang } = useWords();
  const is = chosen.includes(row.id);
  const track = coverage?.answer.tracks.find((one) => one.camera === row.id) ?? null;
  return (
    <article class={`find-cam ${is ? 'sel' : ''}`} data-testid="find-camera" data-camera={row.id}>
      <div>
        <h3>
          <input
            type="checkbox"
            checked={is}
            data-testid="find-choose"
            aria-label={fill(t.find.chooseCamera, { name: row.name })}
            onChange={() => onChosen(is ? chosen.filter((one) => one !== row.id) : [...chosen, row.id])}
          />
          <a
            class="ell"
            translate={false}
            href={href('playback', { cameras: row.id, at: formatInstant(Math.round(at)) })}
          >
            {row.name}
          </a>
        </h3>
        <p class="meta">
          <span translate={false}>{placeOf(row)}</span>
          {track ? (
            <b data-testid="find-share">
              {fill(t.find.recorded, {
                percent: format.percent(track.recorded_s, (bounds.end - bounds.start) / SECOND, lang),
              })}
            </b>
          ) : null}
        </p>
      </div>
      <Strip camera={row.id} name={row.name} moments={moments} track={track} bounds={bounds} at={at} zone={zone} />
    </article>
  );
}
