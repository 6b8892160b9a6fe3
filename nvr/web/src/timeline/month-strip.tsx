// The days of a month, each with what was recorded of it: one press goes there.

import { fill, useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import { shiftDate, type CivilDate } from '../shared/time/zone';
import { cut, type Run } from './columns';

interface MonthProps {
  /** The first day. */
  first: CivilDate;
  days: number;
  /** Of the whole month, `perDay` columns a day. */
  runs: readonly Run[];
  perDay: number;
  date: CivilDate;
  today: CivilDate;
  onDate: (date: CivilDate) => void;
}

/** What stylesheets call a class of causes. */
const KINDS: Record<string, string> = { administrative: 'decision' };

export function MonthStrip({ first, days, runs, perDay, date, today, onDate }: MonthProps) {
  const { t, lang } = useWords();
  const name = new Intl.DateTimeFormat(t.locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    Date.parse(`${first}T12:00:00Z`),
  );
  return (
    <div class="tl-month" data-testid="month-strip">
      <button
        type="button"
        class="ib tl-turn"
        aria-label={t.playback.monthBefore}
        title={t.playback.monthBefore}
        data-testid="month-before"
        onClick={() => onDate(shiftDate(first, -1))}
      >
        ‹
      </button>
      <span class="cap tl-month-name">{name}</span>
      <div class="tl-days" role="group" aria-label={name}>
        {Array.from({ length: days }, (_, i) => {
          const day = shiftDate(first, i);
          return (
            <button
              key={day}
              type="button"
              aria-pressed={day === date}
              disabled={day > today}
              data-testid="month-day"
              data-day={day}
              aria-label={fill(t.playback.goToDay, {
                day: format.longDate(Date.parse(`${day}T12:00:00Z`), lang, 'UTC'),
              })}
              onClick={() => onDate(day)}
            >
              {i + 1}
              <i aria-hidden="true">
                {cut(runs, i * perDay, perDay).map((run) =>
                  run.state === 'unknown' && run.cls === null ? null : (
                    <u
                      key={run.start}
                      class={`h ${run.cls === null ? 'footage' : (KINDS[run.cls] ?? run.cls)}`}
                      style={{ left: `${(run.start / perDay) * 100}%`, width: `${(run.length / perDay) * 100}%` }}
                    />
                  ),
                )}
              </i>
            </button>
          );
        })}
      </div>
      <button
        type="button"
        class="ib tl-turn"
        aria-label={t.playback.monthAfter}
        title={t.playback.monthAfter}
        data-testid="month-after"
        disabled={shiftDate(first, days) > today}
        onClick={() => onDate(shiftDate(first, days))}
      >
        ›
      </button>
    </div>
  );
}
