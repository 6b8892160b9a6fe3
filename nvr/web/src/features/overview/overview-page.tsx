// What an administrator answers for, on one screen: four numbers that lead to their lists, the week by hour, what is
// away and why, and what waits for a person.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useFleet } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { href, objectHref } from '../../router';
import { may, serverNow } from '../../session';
import type { CoverageReport, Directive, Forecast, Outage, Retention } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { HOUR } from '../../shared/time/instant';
import { sharedQuery, togetherOf } from '../../shared/together';
import { ErrorText } from '../../shared/ui/dialog';
import { kindOf, Mark } from '../../shared/ui/mark';
import { usePoll } from '../../shared/ui/poll';
import { causeWords, errorWords } from '../../shared/i18n/words';
import { countRows } from '../cameras/list-filter';
import { WeekByHour } from './week-by-hour';
import { WaitsForPerson } from './waiting';
import './overview.css';

const DAY = 24 * HOUR;
const MOST_GROUPS = 8;
const MOST_PROVIDERS = 6;

interface Slow {
  week: CoverageReport;
  month: CoverageReport;
}

export function OverviewPage({ me }: PageProps) {
  const { t, lang } = useWords();
  const o = t.overview;
  const { rows, asOf } = useFleet();
  const [outages, setOutages] = useState<Outage[] | null>(null);
  const [orders, setOrders] = useState<Directive[]>([]);
  const [forecast, setForecast] = useState<Forecast | null>(null);
  const [rules, setRules] = useState<Retention | null>(null);
  const [slow, setSlow] = useState<Slow | null>(null);
  const [error, setError] = useState<string | null>(null);
  usePoll(async (signal) => {
    setOutages((await api.outages(signal)).outages);
    setOrders(await api.directives('order'));
  }, 15_000);
  usePoll(async () => {
    if (!may(me, 'retention')) return;
    setForecast(await api.forecast());
    setRules(await api.retention());
  }, 300_000);
  useEffect(() => {
    const now = Math.floor(serverNow() / HOUR) * HOUR;
    const query = (start: number): api.GapQuery => ({
      start,
      end: now + HOUR,
      cameras: [],
      group: '',
      cause: '',
      class: '',
      fold_s: 0,
    });
    void (async () => {
      try {
        const week = await api.fleetCoverage(query(now - 6 * DAY - (now % DAY)), 'hour');
        const month = await api.fleetCoverage(query(now - 30 * DAY), 'label:isp');
        setSlow({ week, month });
      } catch (failure) {
        setError(errorWords(failure, t, lang));
      }
    })();
  }, []);
  const counts = rows ? countRows(rows) : null;
  const inForce = orders.filter((one) => one.state === 'in_force');
  const late = inForce.filter((one) => one.overdue).length;
  const groups = togetherOf(outages ?? []);
  const should = counts ? counts.recorded + counts.down : 0;
  const n = (value: number): string => format.number(value, lang);
  return (
    <div class="overview" data-testid="overview">
      <header class="page-head">
        <h1>{o.title}</h1>
        {asOf ? <span class="cap">{fill(t.report.asOf, { time: format.dateTime(asOf, lang, me.zone) })}</span> : null}
      </header>
      <div class="facts">
        <a href={href('cameras', { state: 'recorded' })} data-testid="fact-recorded">
          <span class="lbl">{o.recorded}</span>
          <span class="big">
            {counts ? n(counts.recorded) : '–'} <small>{fill(o.ofShould, { n: n(should) })}</small>
          </span>
          <span class="sub">
            {counts ? <Mark kind="ok">{format.percent(counts.recorded, should, lang)}</Mark> : null}
            {slow ? (
              <span>
                {fill(o.last30, {
                  percent: format.percent(slow.month.total.recorded_s, slow.month.total.required_s, lang),
                })}
              </span>
            ) : null}
          </span>
        </a>
        <a href={href('alerts')} data-testid="fact-away">
          <span class="lbl">{o.away}</span>
          <span class="big">
            {counts ? n(counts.down) : '–'}{' '}
            <small>{groups.length > 0 ? fill(o.causes, { n: groups.length }) : ''}</small>
          </span>
          <span class="sub">
            {counts
              ? [...counts.byKind].map(([kind, count]) => (
                  <Mark key={kind} kind={kind}>
                    {n(count)} {named(t.classes, kind) ?? ''}
                  </Mark>
                ))
              : null}
          </span>
        </a>
        <a href={href('orders')} data-testid="fact-off">
          <span class="lbl">{o.off}</span>
          <span class="big">
            {counts ? n(counts.off) : '–'} <small>{fill(o.letters, { n: inForce.length })}</small>
          </span>
          <span class="sub">{late > 0 ? <Mark kind="decision">{fill(o.late, { n: late })}</Mark> : null}</span>
        </a>
        <DiskFact forecast={forecast} rules={rules} mayOpen={may(me, 'retention')} />
      </div>
      <ErrorText text={error} testid="overview-error" />
      <div class="two-sections">
        <section class="sec">
          <header>
            <h2>{o.week}</h2>
            <span class="cap">{o.weekHint}</span>
          </header>
          {slow ? <WeekByHour report={slow.week} zone={me.zone} /> : <p role="status">{t.loading}</p>}
        </section>
        <section class="sec" data-testid="overview-outages">
          <header>
            <h2>{outages ? fill(o.awayTitle, { n: n(outages.length), causes: groups.length }) : t.loading}</h2>
            <a class="cap" href={href('alerts')}>
              {o.allAlerts}
            </a>
          </header>
          {outages?.length === 0 ? <p class="tx-ok">{o.allThere}</p> : null}
          {groups.slice(0, MOST_GROUPS).map((group) => (
            <a
              key={`${group.cause} ${group.since}`}
              class="together"
              data-testid="overview-group"
              href={
                group.members.length === 1
                  ? objectHref('camera', group.members[0]!.camera)
                  : href('cameras', { state: kindOf(group.class), labels: sharedQuery(group.shared, 1) })
              }
            >
              <b class="count">{n(group.members.length)}</b>
              <span>
                <Mark kind={kindOf(group.class)}>
                  <b class="strong">{group.cause ? causeWords(group.cause, t) : t.cameras.noCause}</b>
                </Mark>
                <small translate={false}>
                  {group.members.length === 1
                    ? group.members[0]!.name || group.members[0]!.camera
                    : group.shared
                        .slice(0, 2)
                        .map(([, value]) => value)
                        .join(', ')}
                </small>
              </span>
              <time>
                {format.shortDateTime(group.since, serverNow(), lang, me.zone)}
                <small>{format.durationBetween(group.since, serverNow(), lang)}</small>
              </time>
            </a>
          ))}
          {groups.length > MOST_GROUPS ? (
            <p class="mut">{fill(o.moreGroups, { n: groups.length - MOST_GROUPS })}</p>
          ) : null}
        </section>
        <section class="sec">
          <header>
            <h2>{o.providers}</h2>
            <a class="cap" href={href('gaps')}>
              {t.nav.gaps}
            </a>
          </header>
          {slow ? <Providers month={slow.month} outages={outages ?? []} /> : null}
        </section>
        <WaitsForPerson me={me} orders={inForce} forecast={forecast} />
      </div>
    </div>
  );
}

function DiskFact({
  forecast,
  rules,
  mayOpen,
}: {
  forecast: Forecast | null;
  rules: Retention | null;
  mayOpen: boolean;
}) {
  const { t, lang } = useWords();
  const o = t.overview;
  const lasts = forecast && forecast.bytes_per_s > 0 ? forecast.capacity_bytes / forecast.bytes_per_s : null;
  const free = rules?.roots.reduce((sum, root) => sum + root.free_bytes, 0);
  const body = (
    <>
      <span class="lbl">{o.disk}</span>
      <span class="big">
        {lasts === null ? '–' : format.duration(lasts, lang)}{' '}
        <small>
          {rules?.default.min_age_s ? fill(o.promised, { length: format.duration(rules.default.min_age_s, lang) }) : ''}
        </small>
      </span>
      <span class="sub">
        {free === undefined ? null : <span>{fill(o.free, { size: format.bytes(free, lang) })}</span>}
        {forecast && forecast.misses.length > 0 ? (
          <Mark kind="server">{fill(o.misses, { n: format.number(forecast.misses.length, lang) })}</Mark>
        ) : null}
      </span>
    </>
  );
  return mayOpen ? (
    <a href={href('storage')} data-testid="fact-disk">
      {body}
    </a>
  ) : (
    <div data-testid="fact-disk">{body}</div>
  );
}

function Providers({ month, outages }: { month: CoverageReport; outages: readonly Outage[] }) {
  const { t, lang } = useWords();
  const r = t.report;
  const worst = [...month.groups].sort((a, b) => (a.coverage ?? 2) - (b.coverage ?? 2));
  return (
    <div class="table-scroll" tabIndex={0}>
      <table class="t" data-testid="providers">
        <thead>
          <tr>
            <th scope="col">{r.labelNames.isp}</th>
            <th scope="col" class="num">
              {r.cameras}
            </th>
            <th scope="col" class="num">
              {t.overview.awayNow}
            </th>
            <th scope="col" class="num">
              {r.coverage}
            </th>
            <th scope="col" class="num">
              {r.outages}
            </th>
            <th scope="col" class="num">
              {r.mttr}
            </th>
          </tr>
        </thead>
        <tbody>
          {worst.slice(0, MOST_PROVIDERS).map((group) => (
            <tr key={group.value ?? ''}>
              <td class="strong" translate={false}>
                {group.value ?? r.without}
              </td>
              <td class="num">{format.number(group.cameras ?? 0, lang)}</td>
              <td class="num">
                {format.number(
                  outages.filter((one) => (one.labels['isp'] ?? null) === (group.value ?? null)).length,
                  lang,
                )}
              </td>
              <td class="num strong">{format.percent(group.recorded_s, group.required_s, lang)}</td>
              <td class="num">{format.number(group.outages, lang)}</td>
              <td class="num">{group.mttr_s === null ? '–' : format.duration(group.mttr_s, lang)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
