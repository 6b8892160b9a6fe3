// The picture of coverage of a report.

import { useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';
import { instantOf, parseDate } from '../../shared/time/zone';
import type { FigureGroup } from '../../shared/api/schema';
import { cellFill, heatRows, KINDS, MANY_LEAST, ONE_LEAST, type Kind } from './heat';

const LABEL = 64;
const CELL = 24;
const ROW = 16;
const SHARE = 62;
const WIDTH = LABEL + 24 * CELL + SHARE;

/** `onHour`: called with the beginning of the hour that was chosen. */
export function HeatMap({
  groups,
  zone,
  cameras,
  onHour,
}: {
  groups: readonly FigureGroup[];
  zone: string;
  cameras: number;
  onHour?: (start: Instant) => void;
}) {
  const least = cameras === 1 ? ONE_LEAST : MANY_LEAST;
  const { t, lang } = useWords();
  const r = t.report;
  const rows = heatRows(groups, zone);
  const seen = new Set<Kind | 'recorded' | 'unknown'>(
    rows.flatMap((row) => row.cells.flatMap((cell) => (cell ? [cellFill(cell, least).kind] : []))),
  );
  if (rows.some((row) => row.recorded > 0)) seen.add('recorded');
  const day = (date: string): string => {
    const parsed = parseDate(date)!;
    return format
      .date(instantOf({ ...parsed, hour: 12, minute: 0, second: 0 }, zone), lang, zone)
      .replace(/ \d{4}$/, '');
  };
  const hourOf = (date: string, hour: number): Instant =>
    instantOf({ ...parseDate(date)!, hour, minute: 0, second: 0 }, zone);
  return (
    <figure class="heat" data-testid="heat-map" tabIndex={0}>
      <svg viewBox={`0 0 ${WIDTH} ${rows.length * ROW + 18}`} role="img" aria-label={r.picture}>
        {[0, 3, 6, 9, 12, 15, 18, 21].map((hour) => (
          <text key={hour} x={LABEL + hour * CELL} y={11}>{`${String(hour).padStart(2, '0')}:00`}</text>
        ))}
        {rows.map((row, number) => (
          <g key={row.date} transform={`translate(0 ${16 + number * ROW})`}>
            <text x={0} y={12}>
              {day(row.date)}
            </text>
            {row.cells.map((cell, hour) => {
              if (!cell) return null;
              const { kind, share } = cellFill(cell, least);
              const x = LABEL + hour * CELL;
              const known = cell.recorded + KINDS.reduce((sum, one) => sum + cell.missing[one], 0);
              const told = known
                ? [
                    `${r.coverage}: ${format.percent(cell.recorded, cell.required, lang)}`,
                    `${r.recordedTime}: ${format.duration(cell.recorded, lang)}`,
                  ]
                : [t.timeline.unknown];
              return (
                <g
                  key={hour}
                  data-testid="heat-cell"
                  data-kind={kind}
                  {...(onHour ? { 'data-hour': hour, onClick: () => onHour(hourOf(row.date, hour)) } : {})}
                >
                  <title>{[`${day(row.date)} ${String(hour).padStart(2, '0')}:00`, ...told].join(' · ')}</title>
                  <rect class={`heat-${kind}`} x={x} y={0} width={CELL - 1} height={ROW - 1} />
                  {share > 0 && kind !== 'recorded' ? (
                    <rect class="heat-recorded" x={x} y={0} width={(CELL - 1) * share} height={ROW - 1} />
                  ) : null}
                </g>
              );
            })}
            <text x={WIDTH} y={12} text-anchor="end">
              {format.percent(row.recorded, row.required, lang)}
            </text>
          </g>
        ))}
      </svg>
      <figcaption class="hint">
        {(['recorded', ...KINDS, 'unknown'] as const)
          .filter((kind) => seen.has(kind))
          .map((kind) => (
            <span key={kind} class="heat-key">
              <span class={`swatch heat-${kind}`} aria-hidden="true" />
              {r.kinds[kind]}
            </span>
          ))}
        {r.pictureHint}
      </figcaption>
    </figure>
  );
}
