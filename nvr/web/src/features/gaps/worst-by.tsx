// Who is worst: by district, provider, any label, camera or day.

import { fill, named, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import type { CoverageReport, FigureGroup } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { worstFirst } from './report-sums';

const MOST_SHOWN = 8;

/** What the label, `camera` or `day` is called. */
export function ByName({ by }: { by: string }) {
  const { t } = useWords();
  const r = t.report;
  const label = by.replace('label:', '');
  return <>{by === 'camera' ? r.camera : by === 'day' ? r.day : (named(r.labelNames, label) ?? label)}</>;
}

export function GroupName({ group, zone }: { group: FigureGroup; zone: string }) {
  const { t, lang } = useWords();
  if (group.start) return <>{format.date(parseInstant(group.start), lang, zone)}</>;
  if (group.camera)
    return (
      <a href={cameraHref(group.camera, {})} translate={false}>
        {group.name || group.camera}
      </a>
    );
  return <span translate={group.value === null || group.value === undefined}>{group.value ?? t.report.without}</span>;
}

export function WorstBy({
  found,
  by,
  labels,
  zone,
  onBy,
}: {
  found: CoverageReport | null;
  by: string;
  labels: readonly string[];
  zone: string;
  onBy: (by: string) => void;
}) {
  const { t, lang } = useWords();
  const r = t.report;
  const groups = found ? worstFirst(found) : [];
  const worst = found?.by === 'day' ? [...groups].sort((a, b) => (a.coverage ?? 2) - (b.coverage ?? 2)) : groups;
  const ways = [...labels.map((label) => `label:${label}`), 'camera', 'day'];
  return (
    <section class="sec" data-testid="coverage-report">
      <header class="worst-head">
        <h2>{r.worstBy}</h2>
        <span class="seg" role="group" aria-label={r.worstBy} data-testid="coverage-by">
          {ways.map((way) => (
            <button
              key={way}
              type="button"
              data-testid={`coverage-by-${way.replace('label:', '')}`}
              aria-pressed={by === way}
              onClick={() => onBy(way)}
            >
              <ByName by={way} />
            </button>
          ))}
        </span>
        <span class="cap">
          {fill(r.someOf, {
            n: format.number(Math.min(MOST_SHOWN, worst.length), lang),
            all: format.number(worst.length, lang),
          })}
        </span>
      </header>
      <div class="table-scroll" tabIndex={0}>
        <table class="t" data-testid="worst-table">
          <thead>
            <tr>
              <th scope="col">{found ? <ByName by={found.by} /> : ''}</th>
              <th scope="col" class="num">
                {r.cameras}
              </th>
              <th scope="col">{r.missing}</th>
              <th scope="col" class="num">
                {r.coverage}
              </th>
              <th scope="col" class="num">
                {r.outages}
              </th>
              <th scope="col" class="num">
                {r.longest}
              </th>
            </tr>
          </thead>
          <tbody>
            {worst.slice(0, MOST_SHOWN).map((group) => (
              <tr key={group.camera ?? group.start ?? group.value ?? ''}>
                <td class="strong">
                  <GroupName group={group} zone={zone} />
                </td>
                <td class="num">{group.cameras === undefined ? '–' : format.number(group.cameras, lang)}</td>
                <td class="worst-bar">
                  <MissingBar group={group} />
                </td>
                <td class="num strong">{format.percent(group.recorded_s, group.required_s, lang)}</td>
                <td class="num">{format.number(group.outages, lang)}</td>
                <td class="num">{group.longest_s > 0 ? format.duration(group.longest_s, lang) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** What is missing of the required time, by whose turn it was. */
function MissingBar({ group }: { group: FigureGroup }) {
  const of = Math.max(1, group.required_s);
  return (
    <span class="bar" aria-hidden="true">
      <i class="footage" style={{ width: `${(group.recorded_s / of) * 100}%` }} />
      {(['network', 'camera', 'server'] as const).map((kind) => (
        <i key={kind} class={`h ${kind}`} style={{ width: `${(group.by_class[kind] / of) * 100}%` }} />
      ))}
    </span>
  );
}
