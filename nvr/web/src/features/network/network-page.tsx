// What the network carried, lost and delayed: figures first, then who loses most, each with how it went over time.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords, type Lang } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { cameraHref, setQuery } from '../../router';
import { serverNow } from '../../session';
import { useFleet, wordsIn } from '../../shared/fleet';
import * as format from '../../shared/time/format';
import { HOUR, parseInstant } from '../../shared/time/instant';
import type { NetworkReport, NetworkRow } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { offeredTerms } from '../cameras/label-query';
import { OfferBox } from '../cameras/offer-box';
import { LOSS_LEVELS, lossCells, sumsOf, worstRows, type LossCell } from './losses';
import { Planner } from './planner';
import './network.css';

/** The whole answer is at /api/network; the page shows as many rows as it can without becoming slow. */
const MAX_ROWS = 200;
const MOST_TIMED = 60;
const RANGES = { day: 24, week: 168, month: 720 } as const;
type RangeName = keyof typeof RANGES;
const BY = ['isp', 'district', 'kelurahan', 'owner'];
const MOST_OFFERED = 8;

interface NetworkAnswer {
  total: NetworkReport;
  cells: Map<string | null, LossCell[]>;
}

/** Of a city's cameras over time there would be a hundred thousand rows: those that are shown first have theirs. */
function onlyWorst(total: NetworkReport, where: string): string {
  const ids = worstRows(total.rows)
    .slice(0, MOST_TIMED)
    .flatMap((row) => (row.group === null ? [] : [row.group]));
  return [where, ids.length > 0 ? `id=${ids.join('|')}` : ''].filter(Boolean).join(',');
}

export function NetworkPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const n = t.network;
  const { rows, byId } = useFleet();
  const range = (Object.keys(RANGES) as RangeName[]).find((name) => name === params.get('range')) ?? 'week';
  const by = params.get('by') ?? 'camera';
  const where = params.get('where') ?? '';
  const [answer, setAnswer] = useState<NetworkAnswer | null>(null);
  const action = useAction();
  const latest = useRef('');
  const key = `${range} ${by} ${where}`;
  useEffect(() => {
    latest.current = key;
    void action.run(async () => {
      const end = serverNow();
      const asked = { start: end - RANGES[range] * HOUR, end, by, where };
      const total = await api.network({ ...asked, step: 'total' });
      const timed = await api.network({
        ...asked,
        where: by === 'camera' ? onlyWorst(total, where) : where,
        step: range === 'day' ? 'hour' : 'day',
      });
      if (latest.current === key) setAnswer({ total, cells: lossCells(timed, asked.start, end) });
    });
  }, [key]);
  const labels = useMemo(() => BY.filter((label) => rows?.some((row) => row.labels[label] !== undefined)), [rows]);
  const labelName = (label: string): string => named(t.report.labelNames, label) ?? label;
  const at = where.indexOf('=');
  const said = `${labelName(where.slice(0, at))} = ${where.slice(at + 1).replaceAll('"', '')}`;
  const chosen = where ? [{ key: where, text: said }] : [];
  const sums = answer ? sumsOf(answer.total.rows) : null;
  const number = (value: number, digits = 0): string => format.number(value, lang, digits);
  return (
    <div class="network">
      <header class="page-head">
        <div>
          <h1>{n.title}</h1>
          <p>{n.text}</p>
        </div>
      </header>
      <div class="network-filters" data-testid="network-form">
        <span class="seg" role="group" aria-label={n.range}>
          {(Object.keys(RANGES) as RangeName[]).map((name) => (
            <button
              key={name}
              type="button"
              data-testid={`network-${name}`}
              aria-pressed={range === name}
              onClick={() => setQuery({ range: name })}
            >
              {n.ranges[name]}
            </button>
          ))}
        </span>
        <span class="seg" role="group" aria-label={n.by}>
          {['camera', ...labels].map((name) => (
            <button
              key={name}
              type="button"
              data-testid={`network-by-${name}`}
              aria-pressed={by === name}
              onClick={() => setQuery({ by: name === 'camera' ? null : name })}
            >
              {name === 'camera' ? n.camera : labelName(name)}
            </button>
          ))}
        </span>
        <OfferBox
          label={n.where}
          chips={chosen}
          testid="network-where"
          offers={(text) =>
            offeredTerms(wordsIn(text), rows ?? [], MOST_OFFERED).map(({ label, value, cameras }) => ({
              key: `${label}="${value}"`,
              text: `${labelName(label)} = ${value}`,
              more: number(cameras),
            }))
          }
          onTake={({ key: term }) => setQuery({ where: term })}
          onTyped={(text) => {
            if (!text.includes('=')) return false;
            setQuery({ where: text.trim() });
            return true;
          }}
          onRemove={() => setQuery({ where: null })}
        />
      </div>
      <ErrorText text={action.error} testid="network-error" />
      {answer === null && action.error === null ? (
        <p class="mut" role="status">
          {t.loading}
        </p>
      ) : null}
      {sums && answer && answer.total.rows.length > 0 ? (
        <div class="facts network-facts">
          <div>
            <span class="lbl">{n.loss}</span>
            <span class="big">{sums.loss === null ? '–' : lossWords(sums.loss, lang)}</span>
          </div>
          <div>
            <span class="lbl">{n.lostFrames}</span>
            <span class="big">{number(sums.lost_frames)}</span>
          </div>
          <div>
            <span class="lbl">{n.reconnects}</span>
            <span class="big">{number(sums.reconnects)}</span>
          </div>
          <div>
            <span class="lbl">{n.carried}</span>
            <span class="big">{number(sums.carried_bps / 1e6, 2)} Mbit/s</span>
          </div>
          <div>
            <span class="lbl">{n.cameras}</span>
            <span class="big">{number(sums.cameras)}</span>
          </div>
        </div>
      ) : null}
      {answer?.total.rows.length === 0 ? (
        <p class="note" data-testid="network-none">
          {n.none}
        </p>
      ) : null}
      {answer && answer.total.rows.length > 0 ? (
        <Rows answer={answer} nameOf={(id) => byId.get(id)?.name || id} zone={me.zone} />
      ) : null}
      <Planner />
    </div>
  );
}

function Rows({ answer, nameOf, zone }: { answer: NetworkAnswer; nameOf: (id: string) => string; zone: string }) {
  const { t, lang } = useWords();
  const n = t.network;
  const { total, cells } = answer;
  const rows = worstRows(total.rows);
  const isCamera = total.by === 'camera';
  const name = isCamera ? n.camera : (named(t.report.labelNames, total.by) ?? total.by);
  return (
    <section class="sec">
      <header>
        <h2>{n.worst}</h2>
        <span class="key">
          {LOSS_LEVELS.map((level) => (
            <span key={level}>
              <i class={`loss-${level}${level === 'none' ? '' : ' h network'}`} />
              {n.levels[level]}
            </span>
          ))}
        </span>
      </header>
      <div class="table-scroll" tabIndex={0}>
        <table class="t" data-testid="network-table">
          <thead>
            <tr>
              <th scope="col">{name}</th>
              {isCamera ? null : (
                <th scope="col" class="num">
                  {n.cameras}
                </th>
              )}
              <th scope="col" class="num">
                {n.loss}
              </th>
              <th scope="col">{n.overTime}</th>
              {[n.lostFrames, n.reconnects, n.bitrate, n.carried, n.jitter].map((head) => (
                <th key={head} scope="col" class="num">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map((row) => (
              <tr key={row.group ?? ''} data-testid="network-row" data-group={row.group ?? ''}>
                <td class="strong">
                  {row.group === null ? (
                    <span class="muted">{n.noLabel}</span>
                  ) : isCamera ? (
                    <a href={cameraHref(row.group)} translate={false}>
                      {nameOf(row.group)}
                    </a>
                  ) : (
                    <span translate={false}>{row.group}</span>
                  )}
                </td>
                {isCamera ? null : <td class="num">{format.number(row.cameras, lang)}</td>}
                <td class="num strong">{row.loss === null ? '–' : lossWords(row.loss, lang)}</td>
                <td>
                  <LossTrack cells={cells.get(row.group) ?? []} zone={zone} />
                </td>
                <td class="num">{format.number(row.lost_frames, lang)}</td>
                <td class="num">{format.number(row.reconnects, lang)}</td>
                <td class="num">
                  {row.bitrate_bps === null ? '–' : `${format.number(row.bitrate_bps / 1e3, lang)} kbit/s`}
                </td>
                <td class="num">{format.number(row.carried_bps / 1e6, lang, 2)} Mbit/s</td>
                <td class="num" title={mostJitter(row, n.most, lang)}>
                  {row.jitter_us === null ? '–' : `${format.number(row.jitter_us / 1e3, lang, 1)} ms`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > MAX_ROWS ? (
        <p class="hint">{fill(n.more, { n: format.number(rows.length - MAX_ROWS, lang) })}</p>
      ) : null}
    </section>
  );
}

function LossTrack({ cells, zone }: { cells: readonly LossCell[]; zone: string }) {
  const { t, lang } = useWords();
  const n = t.network;
  return (
    <span class="loss-track">
      {cells.map((cell) => (
        <i
          key={cell.from}
          class={`loss-${cell.level}${cell.level === 'none' ? '' : ' h network'}`}
          title={[
            format.date(parseInstant(cell.row.start), lang, zone),
            format.clockMinutes(parseInstant(cell.row.start), lang, zone),
            `${n.loss}: ${lossWords(cell.row.loss!, lang)}`,
            `${n.reconnects}: ${format.number(cell.row.reconnects, lang)}`,
          ].join(' · ')}
          style={{ left: `${cell.from * 100}%`, width: `calc(${cell.width * 100}% - 1px)` }}
        />
      ))}
    </span>
  );
}

function mostJitter(row: NetworkRow, words: string, lang: Lang): string {
  return row.jitter_most_us === null ? '' : fill(words, { ms: format.number(row.jitter_most_us / 1e3, lang, 1) });
}

function lossWords(loss: number, lang: Lang): string {
  return `${format.number(loss * 100, lang, loss > 0 && loss < 0.001 ? 4 : 2)} %`;
}
