// The week, hour by hour: quiet where all was recorded, hatched by the cause with the longest part where not.

import { fill, useWords } from '../../shared/i18n';
import { href } from '../../router';
import type { CoverageReport } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { HOUR } from '../../shared/time/instant';
import { instantOf, parseDate } from '../../shared/time/zone';
import { cellFill, heatRows, KINDS, type Cell, type Kind } from '../gaps/heat';

const HATCH: Record<Kind, string> = {
  network: 'network',
  camera: 'camera',
  server: 'server',
  planned: 'decision',
  administrative: 'decision',
  removed: 'policy',
  absent: 'unknown',
};
/** What is missing is never drawn lower than this. */
const LEAST = 0.12;

export function WeekByHour({ report, zone }: { report: CoverageReport; zone: string }) {
  const { t, lang } = useWords();
  const rows = heatRows(report.groups, zone);
  const at = (date: string, hour: number): number =>
    instantOf({ ...parseDate(date)!, hour, minute: 0, second: 0 }, zone);
  return (
    <div class="week" data-testid="week-by-hour">
      <div class="week-row week-head" aria-hidden="true">
        <span />
        {Array.from({ length: 24 }, (_, hour) => (
          <span key={hour}>{hour % 3 ? '' : String(hour).padStart(2, '0')}</span>
        ))}
        <span />
      </div>
      {rows.map((row) => {
        const day = format.date(at(row.date, 12), lang, zone).replace(/ \d{4}$/, '');
        return (
          <div key={row.date} class="week-row">
            <span class="week-day">{day}</span>
            {row.cells.map((cell, hour) => (
              <HourCell
                key={hour}
                cell={cell}
                title={`${day} ${String(hour).padStart(2, '0')}:00`}
                href={href('gaps', {
                  start: new Date(at(row.date, hour)).toISOString(),
                  end: new Date(at(row.date, hour) + HOUR).toISOString(),
                })}
              />
            ))}
            <span class="week-share">{format.percent(row.recorded, row.required, lang)}</span>
          </div>
        );
      })}
      <div class="key">
        <span>
          <i class="h footage" />
          {t.report.kinds.recorded}
        </span>
        {(['network', 'camera', 'server', 'administrative', 'removed', 'unknown'] as const).map((kind) => (
          <span key={kind}>
            <i class={`h ${kind === 'unknown' ? 'unknown' : HATCH[kind]}`} />
            {t.report.kinds[kind]}
          </span>
        ))}
      </div>
    </div>
  );
}

function HourCell({ cell, title, href: to }: { cell: Cell | null; title: string; href: string }) {
  const { t, lang } = useWords();
  if (!cell) return <span class="hour" />;
  const { kind, share } = cellFill(cell, LEAST);
  const known = cell.recorded + KINDS.reduce((sum, one) => sum + cell.missing[one], 0);
  if (known <= 0) return <span class="hour" title={`${title}: ${t.timeline.unknown}`} />;
  const words = fill(t.overview.hour, { time: title, percent: format.percent(cell.recorded, cell.required, lang) });
  const isQuiet = kind === 'recorded' || kind === 'unknown';
  return (
    <a class={`hour${cell.recorded > 0 ? ' ok' : ''}`} href={to} title={words} aria-label={words} data-kind={kind}>
      {isQuiet ? null : (
        <i
          class={`h ${HATCH[kind]}`}
          ref={(element) => {
            if (element) element.style.height = `${Math.max(1 - share, LEAST) * 100}%`;
          }}
        />
      )}
    </a>
  );
}
