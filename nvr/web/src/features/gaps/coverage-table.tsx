// Coverage in figures: the whole, and by district, provider, camera or day.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords, type Lang, type Words } from '../../shared/i18n';
import { cameraHref } from '../../router';
import * as format from '../../shared/time/format';
import { HOUR, parseInstant } from '../../shared/time/instant';
import type { CoverageReport, FigureGroup, Figures } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { HeatMap } from './heat-map';

const MAX_ROWS = 200;
const LONGEST_PICTURE = 93 * 24 * HOUR;

export function CoverageTable({
  query,
  labels,
  zone,
}: {
  query: api.GapQuery;
  labels: readonly string[];
  zone: string;
}) {
  const { t, lang } = useWords();
  const r = t.report;
  const [by, setBy] = useState(labels.includes('district') ? 'label:district' : 'camera');
  const [found, setFound] = useState<CoverageReport | null>(null);
  const [hours, setHours] = useState<CoverageReport | null>(null);
  const table = useAction();
  const picture = useAction();
  const key = JSON.stringify(query);

  useEffect(() => void table.run(async () => setFound(await api.fleetCoverage(query, by))), [key, by]);
  useEffect(() => {
    setHours(null);
    if (query.end - query.start <= LONGEST_PICTURE)
      void picture.run(async () => setHours(await api.fleetCoverage(query, 'hour')));
  }, [key]);

  const nameOf = (group: FigureGroup): string => {
    if (group.start) return format.date(parseInstant(group.start), lang, zone);
    return group.camera ? group.name || group.camera : (group.value ?? r.without);
  };
  const groups = found ? sorted(found) : [];
  return (
    <section class="panel" data-testid="coverage-report">
      <h2>{r.coverage}</h2>
      <ErrorText text={table.error ?? picture.error} testid="coverage-error" />
      {found ? <Boxes total={found.total} cameras={found.cameras} /> : <p role="status">{t.loading}</p>}
      {hours && hours.groups.length > 0 ? <HeatMap groups={hours.groups} zone={zone} cameras={hours.cameras} /> : null}
      <Field label={r.by}>
        {(a) => (
          <select {...a} data-testid="coverage-by" value={by} onChange={(e) => setBy(valueOf(e))}>
            {labels.map((label) => (
              <option key={label} value={`label:${label}`}>
                {named(r.labelNames, label) ?? label}
              </option>
            ))}
            <option value="camera">{r.camera}</option>
            <option value="day">{r.day}</option>
          </select>
        )}
      </Field>
      {found ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="figures" data-testid="coverage-table">
            <thead>
              <tr>
                <th scope="col">
                  {found.by === 'camera'
                    ? r.camera
                    : found.by === 'day'
                      ? r.day
                      : (named(r.labelNames, found.by.replace('label:', '')) ?? found.by)}
                </th>
                {rows(found.total, t, lang)
                  .map(([name]) => name)
                  .map((name) => (
                    <th key={name} scope="col" class="number">
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
                    {group.camera ? <a href={cameraHref(group.camera, {})}>{nameOf(group)}</a> : nameOf(group)}{' '}
                    {group.cameras !== undefined ? (
                      <span class="muted">({format.number(group.cameras, lang)})</span>
                    ) : null}
                  </td>
                  {rows(group, t, lang).map(([name, value]) => (
                    <td key={name} class="number">
                      {value}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {groups.length > MAX_ROWS ? (
        <p class="hint">
          {fill(r.rowsOf, { shown: format.number(MAX_ROWS, lang), all: format.number(groups.length, lang) })}
        </p>
      ) : null}
      <p class="hint">{r.coverageHint}</p>
    </section>
  );
}

/** Times stay in their order; of the others the worst comes first. */
function sorted(report: CoverageReport): FigureGroup[] {
  return report.by === 'day' ? report.groups : [...report.groups].sort((a, b) => (a.coverage ?? 2) - (b.coverage ?? 2));
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

function Boxes({ total, cameras }: { total: Figures; cameras: number }) {
  const { t, lang } = useWords();
  const r = t.report;
  const seldom: Record<string, number> = {
    [r.noLongerThere]: total.no_longer_there_s,
    [r.notRequired]: total.not_required_s,
    [r.notKnownYet]: total.not_known_s,
  };
  const [first, ...others] = rows(total, t, lang).filter(
    ([name]) => name !== r.mtbf && name !== r.mttr && seldom[name] !== 0,
  );
  const boxes: Array<[string, string]> = [first!, [r.cameras, format.number(cameras, lang)], ...others];
  return (
    <dl class="boxes" data-testid="coverage-total">
      {boxes.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
