// The gap report: what should have been recorded, what is missing in the whole fleet, and why.

import { useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { cameraHref, setQuery } from '../../router';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { formatInstant, HOUR, MINUTE, parseInstant, type Instant } from '../../shared/time/instant';
import { dateOf, dayBounds } from '../../shared/time/zone';
import { CAUSE_VALUES, CAUSE_CLASS_VALUES, type Camera, type GapReport } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { Time } from '../../shared/ui/time';
import { causeWords, classWords, detailWords } from '../../shared/i18n/words';
import { CoverageTable } from './coverage-table';
import { OutagesNow } from './outages-now';
import { readIds, sumsByCause } from './report-sums';
import { TextField } from '../../shared/ui/form';
import { TimeField } from '../../shared/ui/time-field';
import { Table } from '../../shared/ui/table';

/**
 * The whole list is in the CSV file; the page asks for as many rows as it can show without becoming slow, and for the
 * sums of all.
 */
const MAX_ROWS = 500;

export function GapsPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const r = t.report;
  const { zone } = me;
  const [range, setRange] = useState<{ start: Instant; end: Instant }>(() => rangeIn(params) ?? lastHours(24));
  const [ids, setIds] = useState((params.get('cameras') ?? '').replaceAll(',', ', '));
  const [group, setGroup] = useState(params.get('group') ?? '');
  const [cause, setCause] = useState(params.get('cause') ?? '');
  const [gapClass, setGapClass] = useState(params.get('class') ?? '');
  const [fold, setFold] = useState('0');
  const [known, setKnown] = useState<Camera[]>([]);
  const [result, setResult] = useState<{ report: GapReport; query: api.GapQuery } | null>(null);
  const action = useAction();

  const query = (): api.GapQuery => ({
    ...range,
    cameras: readIds(ids),
    group: group.trim(),
    cause,
    class: gapClass,
    fold_s: Math.max(0, Number(fold) || 0),
  });
  const run = (): void => {
    const asked = query();
    void action.run(async () => setResult({ report: await api.gaps(asked, MAX_ROWS), query: asked }));
  };

  // At once, and again whenever what is asked for has been still for a moment.
  const asked = JSON.stringify(query());
  const isFirst = useRef(true);
  useEffect(() => {
    if (range.end <= range.start) return;
    const timer = setTimeout(run, isFirst.current ? 0 : 500);
    isFirst.current = false;
    setQuery({
      start: formatInstant(range.start),
      end: formatInstant(range.end),
      group: group.trim(),
      cause,
      class: gapClass,
    });
    return () => clearTimeout(timer);
  }, [asked]);

  useEffect(() => {
    api
      .cameras()
      .then((list) => setKnown(list.cameras))
      .catch(() => undefined); // suggestions only
  }, []);

  const labels = [
    ...new Set(known.flatMap((camera) => Object.entries(camera.labels).map(([k, v]) => `${k}=${v}`))),
  ].sort();
  const labelNames = [...new Set(known.flatMap((camera) => Object.keys(camera.labels)))].sort();
  const valid = range.end > range.start;
  return (
    <div class="gaps-page">
      <header class="page-head">
        <h1>{r.title}</h1>
      </header>
      <form
        class="panel report-form"
        data-testid="gap-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (valid) run();
        }}
      >
        <div class="presets">
          <button type="button" class="small" onClick={() => setRange(lastHours(24))}>
            {r.last24}
          </button>
          <button
            type="button"
            class="small"
            onClick={() => setRange({ start: dayBounds(dateOf(serverNow(), zone), zone).start, end: minuteNow() })}
          >
            {r.today}
          </button>
          <button type="button" class="small" onClick={() => setRange(lastHours(168))}>
            {r.last7}
          </button>
          <button type="button" class="small" onClick={() => setRange(lastHours(720))}>
            {r.last30}
          </button>
          <span class="hint">{fill(t.clip.zone, { name: format.zoneName(range.start, lang, zone) })}</span>
        </div>
        <TimeField
          label={r.from}
          error={valid ? null : t.clip.invalid}
          at={range.start}
          zone={zone}
          testid="gap-start"
          onAt={(start) => setRange({ ...range, start })}
        />
        <TimeField
          label={r.to}
          at={range.end}
          zone={zone}
          testid="gap-end"
          onAt={(end) => setRange({ ...range, end })}
        />
        <TextField
          label={r.cameras}
          hint={r.camerasHint}
          data-testid="gap-cameras"
          list="gap-camera-ids"
          value={ids}
          onValue={setIds}
        />
        <datalist id="gap-camera-ids">
          {known.slice(0, 500).map((camera) => (
            <option key={camera.id} value={camera.id}>
              {camera.name}
            </option>
          ))}
        </datalist>
        <TextField
          label={r.group}
          hint={r.groupHint}
          data-testid="gap-group"
          list="gap-labels"
          value={group}
          onValue={setGroup}
        />
        <datalist id="gap-labels">
          {labels.map((label) => (
            <option key={label} value={label} />
          ))}
        </datalist>
        <Field label={r.cause}>
          {(a) => (
            <select {...a} data-testid="gap-cause" value={cause} onChange={(e) => setCause(valueOf(e))}>
              <option value="">{r.anyCause}</option>
              {CAUSE_VALUES.map((name) => (
                <option key={name} value={name}>
                  {causeWords(name, t)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={r.class}>
          {(a) => (
            <select {...a} data-testid="gap-class" value={gapClass} onChange={(e) => setGapClass(valueOf(e))}>
              <option value="">{r.anyClass}</option>
              {CAUSE_CLASS_VALUES.map((name) => (
                <option key={name} value={name}>
                  {classWords(name, t)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label={r.fold}
          hint={r.foldHint}
          type="number"
          min="0"
          step="1"
          data-testid="gap-fold"
          value={fold}
          onValue={setFold}
        />
        <div class="actions">
          <button type="submit" class="primary" data-testid="gap-run" disabled={action.busy || !valid}>
            {action.busy ? t.loading : r.run}
          </button>
          {valid
            ? (['pdf', 'html', 'csv'] as const).map((kind) => (
                <a
                  key={kind}
                  class="button"
                  data-testid={`gap-${kind}`}
                  href={api.gapsUrl(query(), kind, { lang })}
                  download
                >
                  {r[kind]}
                </a>
              ))
            : null}
        </div>
      </form>
      <ErrorText text={action.error} testid="gap-error" />
      {result ? <CoverageTable query={result.query} labels={labelNames} zone={zone} /> : null}
      {result ? <Report {...result} zone={zone} /> : null}
      <OutagesNow zone={zone} />
    </div>
  );
}

function rangeIn(params: URLSearchParams): { start: Instant; end: Instant } | null {
  const [start, end] = [Date.parse(params.get('start') ?? ''), Date.parse(params.get('end') ?? '')];
  return end > start ? { start, end } : null;
}

function minuteNow(): Instant {
  return Math.floor(serverNow() / MINUTE) * MINUTE;
}

function lastHours(hours: number): { start: Instant; end: Instant } {
  const end = minuteNow();
  return { start: end - hours * HOUR, end };
}

function Report({ report, query, zone }: { report: GapReport; query: api.GapQuery; zone: string }) {
  const { t, lang } = useWords();
  const r = t.report;
  const g = t.gapList;
  const { total } = report;
  const asOf = parseInstant(report.as_of);
  if (total.gaps === 0)
    return (
      <p class="panel good" data-testid="gap-none">
        {r.none} <span class="muted">{fill(r.asOf, { time: format.dateTime(asOf, lang, zone) })}</span>
      </p>
    );
  const rows = report.gaps;
  return (
    <>
      <section class="panel" data-testid="gap-totals">
        <h2>{r.totals}</h2>
        <dl class="facts wide-facts">
          <dt>{r.gaps}</dt>
          <dd data-testid="gap-count">{format.number(total.gaps, lang)}</dd>
          <dt>{r.cameras}</dt>
          <dd>{format.number(total.cameras, lang)}</dd>
          <dt>{r.total}</dt>
          <dd>{format.duration(total.missing_s, lang)}</dd>
          <dt>{r.longest}</dt>
          <dd>{format.duration(total.longest_s, lang)}</dd>
        </dl>
        <div class="table-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{g.cause}</th>
                <th scope="col">{r.gaps}</th>
                <th scope="col">{r.total}</th>
                <th scope="col">{r.share}</th>
              </tr>
            </thead>
            <tbody>
              {sumsByCause(report).map((s) => (
                <tr key={s.cause}>
                  <td>
                    <span class={`swatch gap-${s.class}`} aria-hidden="true" />
                    {causeWords(s.cause, t)} <span class="muted">({classWords(s.class, t)})</span>
                  </td>
                  <td>{format.number(s.count, lang)}</td>
                  <td>{format.duration(s.seconds, lang)}</td>
                  <td>{format.percent(s.seconds, total.missing_s, lang)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="hint">
          {fill(r.asOf, { time: format.dateTime(asOf, lang, zone) })}
          {query.fold_s > 0
            ? ` · ${fill(r.folded, {
                length: format.duration(report.fold_s, lang),
                gaps: format.number(total.folded.gaps, lang),
                missing: format.duration(total.folded.missing_s, lang),
              })}`
            : ''}
        </p>
      </section>
      <section class="panel">
        <h2>
          {r.gaps} <span class="hint">{fill(t.clip.zone, { name: format.zoneName(asOf, lang, zone) })}</span>
        </h2>
        {report.omitted > 0 ? (
          <p class="hint">
            {fill(r.shownOf, { shown: format.number(rows.length, lang), all: format.number(total.gaps, lang) })}
          </p>
        ) : null}
        <Table testid="gap-table" heads={[g.camera, g.start, g.end, g.duration, g.cause, g.detail]}>
          {rows.map((gap) => (
            <tr key={`${gap.camera} ${gap.start}`} data-testid="gap-report-row" data-cause={gap.cause}>
              <td data-label={g.camera}>
                <a href={cameraHref(gap.camera, { at: gap.start })}>{gap.name || gap.camera}</a>
              </td>
              <td data-label={g.start} class="nowrap">
                <Time at={parseInstant(gap.start)} zone={zone} show="plain" />
              </td>
              <td data-label={g.end} class={gap.open ? '' : 'nowrap'}>
                {gap.open ? (
                  fill(g.stillOpen, { asOf: format.clock(asOf, lang, zone) })
                ) : (
                  <Time at={parseInstant(gap.end)} zone={zone} show="plain" />
                )}
              </td>
              <td data-label={g.duration} class="nowrap">
                {format.duration(gap.duration_s, lang)}
              </td>
              <td data-label={g.cause}>
                <span class={`swatch gap-${gap.class}`} aria-hidden="true" />
                {causeWords(gap.cause, t)}
              </td>
              <td data-label={g.detail} class="detail">
                {detailWords(gap.detail, t)}
              </td>
            </tr>
          ))}
        </Table>
      </section>
    </>
  );
}
