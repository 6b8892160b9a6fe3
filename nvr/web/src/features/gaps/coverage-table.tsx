// All figures of a report, by district, provider, camera or day: the table behind the page's answer.

import { fill, useWords, type Lang, type Words } from '../../shared/i18n';
import type { CoverageReport, Figures } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { worstFirst } from './report-sums';
import { ByName, GroupName } from './worst-by';

const MAX_ROWS = 200;

export function CoverageTable({ found, zone }: { found: CoverageReport; zone: string }) {
  const { t, lang } = useWords();
  const r = t.report;
  const groups = worstFirst(found);
  return (
    <>
      <div class="table-scroll" tabIndex={0}>
        <table class="t" data-testid="coverage-table">
          <thead>
            <tr>
              <th scope="col">
                <ByName by={found.by} />
              </th>
              {rows(found.total, t, lang).map(([name]) => (
                <th key={name} scope="col" class="num">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.slice(0, MAX_ROWS).map((group) => (
              <tr
                key={group.camera ?? group.start ?? group.value ?? ''}
                data-testid="coverage-row"
                data-value={group.camera ?? group.value ?? group.start}
              >
                <td>
                  <GroupName group={group} zone={zone} />{' '}
                  {group.cameras !== undefined ? (
                    <span class="muted">({format.number(group.cameras, lang)})</span>
                  ) : null}
                </td>
                {rows(group, t, lang).map(([name, value]) => (
                  <td key={name} class="num">
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {groups.length > MAX_ROWS ? (
        <p class="hint">
          {fill(r.rowsOf, { shown: format.number(MAX_ROWS, lang), all: format.number(groups.length, lang) })}
        </p>
      ) : null}
      <p class="hint">{r.coverageHint}</p>
    </>
  );
}

/** The one table of figures, in the order and with the words of nvr/reports/figure_rows.py. */
function rows(f: Figures, t: Words, lang: Lang): Array<[string, string]> {
  const r = t.report;
  const length = (seconds: number | null): string => (seconds === null ? '–' : format.duration(seconds, lang));
  return [
    [r.coverage, format.percent(f.recorded_s, f.required_s, lang)],
    [r.recordedTime, length(f.recorded_s)],
    [r.notRecorded, length(f.not_recorded_s)],
    [r.noLongerThere, length(f.no_longer_there_s)],
    [r.notRequired, length(f.not_required_s)],
    [r.notKnownYet, length(f.not_known_s)],
    [r.outages, format.number(f.outages, lang)],
    [r.longest, length(f.longest_s)],
    [r.mtbf, length(f.mtbf_s)],
    [r.mttr, length(f.mttr_s)],
  ];
}
