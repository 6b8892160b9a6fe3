// The gap report: what should have been recorded, what is missing in the whole fleet, and why. It runs at once, and
// again whenever what is asked for has been still for a moment; figures come first, lists last.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { cameraHref, setQuery } from '../../router';
import * as format from '../../shared/time/format';
import { formatInstant, HOUR, parseInstant } from '../../shared/time/instant';
import type { CoverageReport, GapReport, ReportGap } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { kindOf, Mark } from '../../shared/ui/mark';
import { Time } from '../../shared/ui/time';
import { causeWords, detailWords } from '../../shared/i18n/words';
import { CoverageTable } from './coverage-table';
import { GapCauses, GapFacts, LongestGaps } from './gap-figures';
import { OUTAGE_CLASSES, outagesIn } from './report-sums';
import { GapFilters, lastHours, type GapsAsked } from './gap-filters';
import { HeatMap } from './heat-map';
import { OutagesNow } from './outages-now';
import { WorstBy } from './worst-by';
import './gaps.css';

/** The whole list is in the CSV file; the page asks for as many rows as it can show without becoming slow, and for the
 * sums of all. */
const MAX_ROWS = 500;
const LONGEST_PICTURE = 93 * 24 * HOUR;
const SETTLED_MS = 500;
/** The server leaves out no gaps that are longer. */
const MOST_FOLD_S = 86_400;
/** Labels that a city is divided by; others are chosen as a filter. */
const DIVIDING = ['district', 'kelurahan', 'isp', 'owner'];

interface GapAnswer {
  report: GapReport;
  longest: ReportGap[];
}

function askedIn(params: URLSearchParams): GapsAsked {
  const [start, end] = [Date.parse(params.get('start') ?? ''), Date.parse(params.get('end') ?? '')];
  return {
    ...(end > start
      ? { start, end, hours: 0 }
      : lastHours(Number(params.get('hours')) > 0 ? Number(params.get('hours')) : 24)),
    cameras: (params.get('cameras') ?? '').split(',').filter(Boolean),
    group: params.get('group') ?? '',
    cause: params.get('cause') ?? '',
    class: params.get('class') ?? '',
    fold_s: Number(params.get('fold')) || 0,
  };
}

export function GapsPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const r = t.report;
  const { zone } = me;
  const { rows } = useFleet();
  const [asked, setAsked] = useState<GapsAsked>(() => askedIn(params));
  const [answer, setAnswer] = useState<GapAnswer | null>(null);
  const [hours, setHours] = useState<CoverageReport | null>(null);
  const [by, setBy] = useState(params.get('by') ?? '');
  const [found, setFound] = useState<CoverageReport | null>(null);
  const action = useAction();
  const labels = useMemo(
    () => DIVIDING.filter((label) => rows?.some((row) => row.labels[label] !== undefined)),
    [rows],
  );
  const way = by || (labels[0] ? `label:${labels[0]}` : 'camera');

  const { hours: _, ...rest } = asked;
  const query: api.GapQuery = { ...rest, cameras: [...asked.cameras] };
  const key = JSON.stringify(query);
  const latest = useRef(key);
  latest.current = key;
  const run = (): void => {
    const isLatest = (): boolean => latest.current === key;
    void action.run(async () => {
      const hasPicture = query.end - query.start <= LONGEST_PICTURE;
      const picture = hasPicture ? await api.fleetCoverage(query, 'hour') : null;
      if (isLatest()) setHours(picture);
      const report = await api.gaps(query, MAX_ROWS);
      // The longest outages of more gaps than are listed: asked for once more, without the short ones.
      const isOutage = (gap: ReportGap): boolean => OUTAGE_CLASSES.includes(gap.class);
      const fold_s = Math.min(MOST_FOLD_S, (picture?.total.longest_s ?? report.total.longest_s) / 4);
      const long =
        report.omitted > 0 && fold_s > query.fold_s
          ? await api.gaps({ ...query, fold_s, class: query.class || OUTAGE_CLASSES.join(',') }, MAX_ROWS)
          : report;
      if (isLatest()) setAnswer({ report, longest: long.gaps.filter(isOutage) });
    });
  };
  const isFirst = useRef(true);
  useEffect(() => {
    if (asked.end <= asked.start) return;
    const timer = setTimeout(run, isFirst.current ? 0 : SETTLED_MS);
    isFirst.current = false;
    setQuery({
      start: asked.hours > 0 ? null : formatInstant(asked.start),
      end: asked.hours > 0 ? null : formatInstant(asked.end),
      hours: asked.hours > 0 && asked.hours !== 24 ? String(asked.hours) : null,
      cameras: asked.cameras.join(','),
      group: asked.group,
      cause: asked.cause,
      class: asked.class,
      fold: asked.fold_s > 0 ? String(asked.fold_s) : null,
    });
    return () => clearTimeout(timer);
  }, [key]);
  // By what is worst waits for the cameras, which say what there is to ask by.
  const worst = useAction();
  const isKnown = rows !== null;
  useEffect(() => {
    if (!isKnown || asked.end <= asked.start) return;
    let isOver = false;
    const timer = setTimeout(
      () =>
        void worst.run(async () => {
          const groups = await api.fleetCoverage(query, way);
          if (!isOver) setFound(groups);
        }),
      SETTLED_MS,
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key, way, isKnown]);

  const figures = hours ?? found;
  return (
    <div class="gaps-page">
      <GapFilters
        asked={asked}
        query={query}
        zone={zone}
        onAsk={(change) => setAsked((before) => ({ ...before, ...change }))}
      />
      <div class="gaps-body" tabIndex={0} role="region" aria-label={r.title}>
        <p class="only-print">{format.period(asked.start, asked.end, lang, zone)}</p>
        <ErrorText text={action.error ?? worst.error} testid="gap-error" />
        {figures ? (
          <GapFacts total={figures.total} cameras={figures.cameras} />
        ) : (
          <p class="mut" role="status">
            {t.loading}
          </p>
        )}
        <div class="two-sections">
          {hours && hours.groups.length > 0 ? (
            <section class="sec">
              <header>
                <h2>{r.picture}</h2>
                <span class="cap">
                  {fill(r.asOf, { time: format.dateTime(parseInstant(hours.as_of), lang, zone) })}
                </span>
              </header>
              <HeatMap
                groups={hours.groups}
                zone={zone}
                cameras={hours.cameras}
                onHour={(start) => setAsked({ ...asked, start, end: start + HOUR, hours: 0 })}
              />
            </section>
          ) : null}
          {answer ? (
            <GapCauses report={answer.report} />
          ) : (
            <section class="sec">
              <p class="mut" role="status">
                {action.error ? '' : t.loading}
              </p>
            </section>
          )}
          <WorstBy
            found={found}
            by={way}
            labels={labels}
            zone={zone}
            onBy={(next) => {
              setBy(next);
              setQuery({ by: next });
            }}
          />
          {answer && answer.longest.length > 0 ? (
            <LongestGaps gaps={answer.longest} all={outagesIn(answer.report)} zone={zone} />
          ) : null}
        </div>
        <OutagesNow zone={zone} />
        {found ? (
          <details class="sec more-figures">
            <summary>
              <h2>{r.allFigures}</h2>
            </summary>
            <CoverageTable found={found} zone={zone} />
          </details>
        ) : null}
        {answer && answer.report.total.gaps > 0 ? <AllGaps report={answer.report} zone={zone} /> : null}
      </div>
    </div>
  );
}

function AllGaps({ report, zone }: { report: GapReport; zone: string }) {
  const { t, lang } = useWords();
  const r = t.report;
  const g = t.gapList;
  const asOf = parseInstant(report.as_of);
  const n = (value: number): string => format.number(value, lang);
  return (
    <details class="sec more-figures" data-testid="gap-all">
      <summary>
        <h2>
          {r.gaps} <span class="faint">{n(report.total.gaps)}</span>
        </h2>
      </summary>
      {report.omitted > 0 ? (
        <p class="hint">{fill(r.shownOf, { shown: n(report.gaps.length), all: n(report.total.gaps) })}</p>
      ) : null}
      <div class="table-scroll" tabIndex={0}>
        <table class="t" data-testid="gap-table">
          <thead>
            <tr>
              {[g.camera, g.start, g.end, g.duration, g.cause, g.detail].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {report.gaps.map((gap) => (
              <tr key={`${gap.camera} ${gap.start}`} data-testid="gap-report-row" data-cause={gap.cause}>
                <td>
                  <a href={cameraHref(gap.camera, { at: gap.start })} translate={false}>
                    {gap.name || gap.camera}
                  </a>
                </td>
                <td>
                  <Time at={parseInstant(gap.start)} zone={zone} show="plain" />
                </td>
                <td>
                  {gap.open ? (
                    fill(g.stillOpen, { asOf: format.clock(asOf, lang, zone) })
                  ) : (
                    <Time at={parseInstant(gap.end)} zone={zone} show="plain" />
                  )}
                </td>
                <td class="num">{format.duration(gap.duration_s, lang)}</td>
                <td>
                  <Mark kind={kindOf(gap.class)}>{causeWords(gap.cause, t)}</Mark>
                </td>
                <td class="detail">{detailWords(gap.detail, t)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
