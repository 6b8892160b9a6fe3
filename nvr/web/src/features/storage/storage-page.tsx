// For how long footage is kept: the rules with what they are for, whether the disks keep the promises, what waits for a
// word, and what went lately.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { href } from '../../router';
import { serverNow } from '../../session';
import type { Forecast, GapReport, Retention, WaitingList } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { HOUR, parseInstant } from '../../shared/time/instant';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { Mark } from '../../shared/ui/mark';
import { usePoll } from '../../shared/ui/poll';
import { toast } from '../../shared/ui/toast';
import { causeWords, errorWords } from '../../shared/i18n/words';
import { DryRun } from './dry-run';
import { ruleLines, type RuleLine } from './rules';
import './storage.css';

const MOST_MISSES = 10;
const LATELY_H = 7 * 24;

export function StoragePage({ me }: PageProps) {
  const { t, lang } = useWords();
  const s = t.storage;
  const { rows } = useFleet();
  const [rules, setRules] = useState<Retention | null>(null);
  const [forecast, setForecast] = useState<Forecast | null>(null);
  const [waiting, setWaiting] = useState<WaitingList['waiting']>([]);
  const [lately, setLately] = useState<GapReport | null>(null);
  const [isWhole, setIsWhole] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const [confirming, setConfirming] = useState<WaitingList['waiting'][number] | null>(null);
  const load = async (): Promise<void> => {
    try {
      setRules(await api.retention());
      // Disks, and what waits, are for who administers every camera.
      const waits = await unlessForbidden(api.waitingDeletions());
      setIsWhole(waits !== null);
      setWaiting(waits?.waiting ?? []);
      setForecast(await unlessForbidden(api.forecast()));
      const now = serverNow();
      const query = {
        start: now - LATELY_H * HOUR,
        end: now,
        cameras: [],
        group: '',
        cause: '',
        class: 'policy',
        fold_s: 0,
      };
      setLately(await api.gaps(query, 1));
      setError(null);
    } catch (failure) {
      setError(errorWords(failure, t, lang));
    }
  };
  usePoll(load, 60_000);
  const lines = rules && (forecast || !isWhole) ? ruleLines(rules, rows ?? [], forecast?.cameras ?? []) : [];
  return (
    <div data-testid="storage">
      <header class="page-head">
        <div>
          <h1>{s.title}</h1>
          <p>{s.text}</p>
        </div>
        <a class="button" href={href('holds')}>
          {s.holds.title}
        </a>
      </header>
      <ErrorText text={error} testid="storage-error" />
      {waiting
        .filter((one) => one.segments === 0)
        .map((one) => (
          <p key={one.cause} class="note network brake" role="status" data-testid="brake-none" data-cause={one.cause}>
            {fill(s.held, { reason: one.reason ?? one.cause })}
          </p>
        ))}
      {waiting
        .filter((one) => one.segments > 0)
        .map((one) => (
          <div key={one.cause} class="note camera brake" role="alert" data-testid="brake" data-cause={one.cause}>
            <div>
              <b class="strong">
                {fill(s.brake, {
                  hours: format.number(Math.floor(one.hours), lang),
                  cameras: format.number(one.cameras, lang),
                  size: format.bytes(one.bytes, lang),
                })}
              </b>
              <p>
                {one.reason ?? s.brakeWhy}{' '}
                {one.oldest ? fill(s.oldest, { time: format.dateTime(parseInstant(one.oldest), lang, me.zone) }) : ''}
              </p>
            </div>
            {one.confirmed_by ? (
              <span>{fill(s.confirmedBy, { who: one.confirmed_by })}</span>
            ) : (
              <button type="button" class="danger" data-testid="brake-confirm" onClick={() => setConfirming(one)}>
                {s.letGo}
              </button>
            )}
          </div>
        ))}
      {!isWhole ? (
        <p class="hint" data-testid="storage-own">
          {s.own}
        </p>
      ) : forecast && rules ? (
        <Figures forecast={forecast} rules={rules} />
      ) : (
        <p role="status">{t.loading}</p>
      )}
      <section class="sec">
        <header>
          <h2>{s.rules}</h2>
          <span class="cap">{s.rulesHint}</span>
        </header>
        <div class="table-scroll" tabIndex={0}>
          <table class="t" data-testid="rules">
            <thead>
              <tr>
                <th scope="col">{s.forWhom}</th>
                <th scope="col" class="num">
                  {t.report.cameras}
                </th>
                <th scope="col">{s.atMost}</th>
                <th scope="col">{s.atLeast}</th>
                <th scope="col" class="num">
                  {s.aDay}
                </th>
                <th scope="col">{s.since}</th>
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <RuleRow key={JSON.stringify(line.match)} line={line} zone={me.zone} />
              ))}
            </tbody>
          </table>
        </div>
        <p class="hint">{s.fileHint}</p>
      </section>
      {rules ? (
        <DryRun key={String(isWhole)} rules={rules} isWhole={isWhole} zone={me.zone} onApplied={() => void load()} />
      ) : null}
      <div class="two-sections">
        <section class="sec" hidden={!isWhole}>
          <header>
            <h2>{s.disks}</h2>
          </header>
          <div class="table-scroll" tabIndex={0}>
            <table class="t" data-testid="disks">
              <thead>
                <tr>
                  <th scope="col">{s.disk}</th>
                  <th scope="col" class="num">
                    {s.freeSpace}
                  </th>
                  <th scope="col" class="num">
                    {s.floor}
                  </th>
                  <th scope="col">{t.cases.state}</th>
                </tr>
              </thead>
              <tbody>
                {rules?.roots.map((root) => (
                  <tr key={root.root}>
                    <td class="mono" translate={false}>
                      {root.path}
                    </td>
                    <td class="num">{format.bytes(root.free_bytes, lang)}</td>
                    <td class="num">{format.bytes(root.floor_bytes, lang)}</td>
                    <td>
                      {root.free_bytes < root.floor_bytes / 2 ? (
                        <Mark kind="server">{s.low}</Mark>
                      ) : root.free_bytes < root.floor_bytes ? (
                        <Mark kind="policy">{s.pruning}</Mark>
                      ) : (
                        <Mark kind="ok">{s.enough}</Mark>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
        <section class="sec" data-testid="deleted-lately">
          <header>
            <h2>{s.lately}</h2>
            <span class="cap">{s.latelyHint}</span>
          </header>
          {lately && lately.total.by_kind.length === 0 ? <p class="mut">{s.nothing}</p> : null}
          <table class="t">
            <tbody>
              {lately?.total.by_kind.map((kind) => (
                <tr key={kind.cause}>
                  <td>
                    <Mark kind="policy">{causeWords(kind.cause, t)}</Mark>
                  </td>
                  <td class="num">{format.duration(kind.missing_s, lang)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
      {confirming ? (
        <Confirm
          title={s.letGoTitle}
          text={fill(s.brake, {
            hours: format.number(Math.floor(confirming.hours), lang),
            cameras: format.number(confirming.cameras, lang),
            size: format.bytes(confirming.bytes, lang),
          })}
          action={s.letGo}
          work={() => api.confirmDeletion(confirming.cause)}
          onDone={() => {
            toast({ text: s.lettingGo });
            void load();
          }}
          onClose={() => setConfirming(null)}
        />
      ) : null}
    </div>
  );
}

/** What may be asked for by who administers every camera; null for anybody else. */
async function unlessForbidden<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (failure) {
    if (failure instanceof api.ApiError && failure.code === 'forbidden') return null;
    throw failure;
  }
}

function RuleRow({ line, zone }: { line: RuleLine; zone: string }) {
  const { t, lang } = useWords();
  const s = t.storage;
  const labels = Object.entries(line.match).map(([label, value]) => `${label}=${value}`);
  const length = (seconds: number | null): string => (seconds === null ? '–' : format.duration(seconds, lang));
  return (
    <tr data-testid="rule" data-match={labels.join(',')}>
      <td translate={false}>{labels.length > 0 ? labels.join(', ') : s.allOthers}</td>
      <td class="num">
        {labels.length > 0 ? (
          <a href={href('cameras', { labels: labels.join(',') })}>{format.number(line.cameras.length, lang)}</a>
        ) : (
          format.number(line.cameras.length, lang)
        )}
      </td>
      <td>
        {length(line.maxAgeS)}
        {line.maxBytes === null ? '' : `, ${format.bytes(line.maxBytes, lang)}`}
      </td>
      <td>{length(line.minAgeS)}</td>
      <td class="num">{format.bytes(line.bytesPerS * 86_400, lang)}</td>
      <td class="nowrap">{line.oldest ? format.date(parseInstant(line.oldest), lang, zone) : '–'}</td>
    </tr>
  );
}

function Figures({ forecast, rules }: { forecast: Forecast; rules: Retention }) {
  const { t, lang } = useWords();
  const s = t.storage;
  const { byId } = useFleet();
  const free = rules.roots.reduce((sum, root) => sum + root.free_bytes, 0);
  const lasts = forecast.bytes_per_s > 0 ? forecast.capacity_bytes / forecast.bytes_per_s : null;
  return (
    <>
      <div class="facts" data-testid="forecast">
        <div>
          <span class="lbl">{s.lasts}</span>
          <span class="big">{lasts === null ? '–' : format.duration(lasts, lang)}</span>
          <span class="sub">{fill(s.rate, { size: format.bytes(forecast.bytes_per_s * 86_400, lang) })}</span>
        </div>
        <div>
          <span class="lbl">{s.room}</span>
          <span class="big">{format.bytes(forecast.capacity_bytes, lang)}</span>
          <span class="sub">{fill(t.overview.free, { size: format.bytes(free, lang) })}</span>
        </div>
        <div>
          <span class="lbl">{s.promised}</span>
          <span class="big">{format.bytes(forecast.needed_bytes, lang)}</span>
          <span class="sub">{forecast.full ? '' : s.fits}</span>
        </div>
        <div>
          <span class="lbl">{s.misses}</span>
          <span class="big">{format.number(forecast.misses.length, lang)}</span>
          <span class="sub">
            {forecast.full ? (
              <Mark kind="server">{fill(s.from, { date: format.date(parseInstant(forecast.full), lang, 'UTC') })}</Mark>
            ) : (
              ''
            )}
          </span>
        </div>
      </div>
      {forecast.misses.length > 0 ? (
        <details class="note network" data-testid="misses">
          <summary>{fill(s.missesText, { n: forecast.misses.length })}</summary>
          <ul>
            {forecast.misses.slice(0, MOST_MISSES).map((miss) => (
              <li key={miss.camera}>
                <span translate={false}>{byId.get(miss.camera)?.name || miss.camera}</span>:{' '}
                {fill(s.miss, {
                  reached: format.duration(miss.reachable_s, lang),
                  promised: format.duration(miss.min_age_s, lang),
                })}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  );
}
