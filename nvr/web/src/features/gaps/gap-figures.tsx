// The report's answer: figures first, then why, then the longest gaps.

import { fill, useWords } from '../../shared/i18n';
import { causeWords, detailWords } from '../../shared/i18n/words';
import { cameraHref } from '../../router';
import type { Figures, GapReport, ReportGap } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { kindOf, Mark } from '../../shared/ui/mark';
import { Time } from '../../shared/ui/time';
import { OUTAGE_CLASSES, outagesIn, sumsByCause, type CauseSum } from './report-sums';

const DAY_S = 86_400;
const MOST_CAUSES = 10;
const MOST_LONGEST = 8;

export function GapFacts({ total, cameras }: { total: Figures; cameras: number }) {
  const { t, lang } = useWords();
  const r = t.report;
  const length = (seconds: number | null): string => (seconds === null ? '–' : format.duration(seconds, lang));
  const days = total.missing_s / DAY_S;
  const facts: Array<[name: string, value: string, more: string, id: string]> = [
    [
      r.coverage,
      format.percent(total.recorded_s, total.required_s, lang),
      fill(t.orders.chosen, { n: format.number(cameras, lang) }),
      'coverage',
    ],
    [
      r.missingDays,
      days > 0 && days < 0.1 ? '< 0.1'.replace('.', t.units.decimal) : format.number(days, lang, days < 100 ? 1 : 0),
      total.missing_s > 0 ? length(total.missing_s) : '',
      'missing',
    ],
    [r.outages, format.number(total.outages, lang), '', 'outages'],
    [r.mttr, length(total.mttr_s), '', 'mttr'],
    [r.mtbf, length(total.mtbf_s), '', 'mtbf'],
    [r.notRequired, length(total.planned_s + total.administrative_s), r.notRequiredHint, 'not-required'],
  ];
  return (
    <div class="facts gap-facts" data-testid="coverage-total">
      {facts.map(([name, value, more, id]) => (
        <div key={id} data-testid={`fact-${id}`}>
          <span class="lbl">{name}</span>
          <span class="big">{value}</span>
          {more ? <span class="sub">{more}</span> : null}
        </div>
      ))}
    </div>
  );
}

export function GapCauses({ report }: { report: GapReport }) {
  const { t, lang } = useWords();
  const r = t.report;
  const every = sumsByCause(report);
  const isOutage = (sum: CauseSum): boolean => OUTAGE_CLASSES.includes(sum.class);
  // What was decided is beside the outages, not a share of them.
  const sums = [...every.filter(isOutage), ...every.filter((sum) => !isOutage(sum))];
  const outages = every.filter(isOutage);
  const most = outages[0]?.seconds ?? 0;
  const all = outages.reduce((total, sum) => total + sum.seconds, 0);
  return (
    <section class="sec" data-testid="gap-totals">
      <header>
        <h2>{r.why}</h2>
        <span class="cap">{fill(r.whyHint, { n: format.number(outagesIn(report), lang) })}</span>
      </header>
      {outages.length === 0 ? (
        <p class="tx-ok" data-testid="gap-none">
          {r.none}
        </p>
      ) : null}
      <ul class="why">
        {sums.slice(0, MOST_CAUSES).map((sum) => (
          <li key={`${sum.cause} ${sum.class}`}>
            <span class="ell">
              <Mark kind={kindOf(sum.class)}>{causeWords(sum.cause, t)}</Mark>
            </span>
            <span class="bar">
              {isOutage(sum) ? (
                <i class={`h ${kindOf(sum.class)}`} style={{ width: `${(sum.seconds / most) * 100}%` }} />
              ) : null}
            </span>
            {isOutage(sum) ? (
              <b class="num strong">{format.percent(sum.seconds, all, lang)}</b>
            ) : (
              <span class="num mut">{r.notRequiredShort}</span>
            )}
            <span class="num mut">{format.duration(sum.seconds, lang)}</span>
          </li>
        ))}
      </ul>
      {report.fold_s > 0 ? (
        <p class="hint">
          {fill(r.folded, {
            length: format.duration(report.fold_s, lang),
            gaps: format.number(report.total.folded.gaps, lang),
            missing: format.duration(report.total.folded.missing_s, lang),
          })}
        </p>
      ) : null}
    </section>
  );
}

/** `gaps`: those that are long for sure; `all`: how many there are. */
export function LongestGaps({ gaps, all, zone }: { gaps: readonly ReportGap[]; all: number; zone: string }) {
  const { t, lang } = useWords();
  const r = t.report;
  const g = t.gapList;
  const longest = [...gaps].sort((a, b) => b.duration_s - a.duration_s).slice(0, MOST_LONGEST);
  return (
    <section class="sec">
      <header>
        <h2>{r.longestGaps}</h2>
        <span class="cap">
          {fill(r.someOf, { n: format.number(longest.length, lang), all: format.number(all, lang) })}
        </span>
      </header>
      <div class="table-scroll" tabIndex={0}>
        <table class="t" data-testid="gap-longest">
          <thead>
            <tr>
              <th scope="col">{g.camera}</th>
              <th scope="col">{g.start}</th>
              <th scope="col" class="num">
                {g.duration}
              </th>
              <th scope="col">{g.cause}</th>
            </tr>
          </thead>
          <tbody>
            {longest.map((gap) => (
              <tr key={`${gap.camera} ${gap.start}`} data-cause={gap.cause}>
                <td class="strong">
                  <a href={cameraHref(gap.camera, { at: gap.start })} translate={false}>
                    {gap.name || gap.camera}
                  </a>
                </td>
                <td>
                  <Time at={parseInstant(gap.start)} zone={zone} show="plain" />
                </td>
                <td class="num">{format.duration(gap.duration_s, lang)}</td>
                <td title={detailWords(gap.detail, t)}>
                  <Mark kind={kindOf(gap.class)}>{causeWords(gap.cause, t)}</Mark>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
