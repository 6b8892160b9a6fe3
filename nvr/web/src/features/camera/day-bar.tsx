// Which day the timeline shows, how much of it is recorded, and how closely it is looked at.

import { useEffect, useState } from 'preact/hooks';
import { serverNow } from '../../session';
import { fill, useWords, type Words, type Lang } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseUsual } from '../../shared/time/usual';
import { dateOf, offsetWords, shiftDate, type CivilDate } from '../../shared/time/zone';
import { LEVELS, levelOf, type Bounds, type Level } from '../../timeline/geometry';
import { CAUSE_CLASS_VALUES, type CauseClass } from '../../shared/api/schema';
import { IconButton } from '../../shared/ui/icons';
import { classWords } from '../../shared/i18n/words';
import type { DayCoverage } from '../../timeline/day-coverage';

interface DayBarProps {
  date: CivilDate;
  today: CivilDate;
  zone: string;
  coverage: DayCoverage | null;
  failed: boolean;
  onDate: (date: CivilDate) => void;
}

export function DayBar({ date, today, zone, coverage, failed, onDate }: DayBarProps) {
  const { t, lang } = useWords();
  const l = t.timeline;
  const noon = Date.parse(`${date}T12:00:00Z`);
  // As in every report: what was not required, and what is no longer there, is beside the figure.
  const required = coverage ? coverage.recordedS + coverage.notRecordedS : 0;
  return (
    <div class="day-bar">
      <div class="day-pick">
        <IconButton
          icon="left"
          label={l.previousDay}
          testid="previous-day"
          onClick={() => onDate(shiftDate(date, -1))}
        />
        <DayField date={date} today={today} zone={zone} onDate={onDate} />
        <IconButton
          icon="right"
          label={l.nextDay}
          testid="next-day"
          disabled={date >= today}
          onClick={() => onDate(shiftDate(date, 1))}
        />
        {date === today ? null : (
          <button type="button" data-testid="today" onClick={() => onDate(today)}>
            {l.today}
          </button>
        )}
        <span class="day-name">{weekday(date, lang)}</span>
      </div>
      <p class="coverage" data-testid="coverage">
        {failed ? <span class="error">{l.coverageFailed}</span> : null}
        {coverage && !failed ? (
          coverage.known > coverage.start ? (
            <>
              {required > 0 ? (
                <strong>{fill(l.covered, { percent: format.percent(coverage.recordedS, required, lang) })}</strong>
              ) : null}
              <span class="muted">{lengths(coverage, t, lang)}</span>
            </>
          ) : (
            l.noCoverage
          )
        ) : null}
      </p>
      <span class="muted day-zone" title={zone}>
        {format.zoneName(noon, lang, zone)} (UTC{offsetWords(noon, zone)})
      </span>
    </div>
  );
}

/** A day to type, the day before the month, in any usual form; what can't be read changes nothing. */
export function DayField({ date, today, zone, onDate }: Pick<DayBarProps, 'date' | 'today' | 'zone' | 'onDate'>) {
  const { t } = useWords();
  const [year, month, day] = date.split('-');
  const shown = `${day}/${month}/${year}`;
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const take = (): void => {
    const found = parseUsual(text, serverNow(), zone);
    const next = found?.hasDate ? dateOf(found.at, zone) : null;
    if (next === null || next > today) setText(shown);
    else if (next !== date) onDate(next);
  };
  return (
    <label>
      <span class="visually-hidden">{t.timeline.day}</span>
      <input
        type="text"
        inputMode="numeric"
        autocomplete="off"
        size={11}
        data-testid="day"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && take()}
        onBlur={take}
      />
    </label>
  );
}

/** The figures of every report by their words; those that are seldom only where there is any. */
function lengths(coverage: DayCoverage, t: Words, lang: Lang): string {
  const r = t.report;
  const seldom: Array<[string, number]> = [
    [r.noLongerThere, coverage.noLongerThereS],
    [r.notRequired, coverage.notRequiredS],
  ];
  const all: Array<[string, number]> = [
    [r.recordedTime, coverage.recordedS],
    [r.notRecorded, coverage.notRecordedS],
    ...seldom.filter(([, seconds]) => seconds > 0),
  ];
  return all.map(([name, seconds]) => `${name}: ${format.duration(seconds, lang)}`).join(' · ');
}

/** A date is the same weekday everywhere, so the zone asked for is UTC. */
function weekday(date: CivilDate, lang: Lang): string {
  return format.longDate(Date.parse(`${date}T12:00:00Z`), lang, 'UTC');
}

interface ZoomBarProps {
  day: Bounds;
  view: Bounds;
  coverage: DayCoverage | null;
  onLevel: (level: Level) => void;
  onZoom: (inwards: boolean) => void;
  onPan: (direction: -1 | 1) => void;
}

export function ZoomBar({ day, view, coverage, onLevel, onZoom, onPan }: ZoomBarProps) {
  const { t } = useWords();
  const l = t.timeline;
  const level = levelOf(view, day);
  const whole = level === 'day';
  const classes = new Set<CauseClass>(coverage?.gaps.map((g) => g.gap.class) ?? []);
  return (
    <div class="zoom-bar">
      <ul class="legend">
        <li>
          <span class="swatch swatch-footage" aria-hidden="true" />
          {l.footage}
        </li>
        {CAUSE_CLASS_VALUES.filter((c) => classes.has(c)).map((c) => (
          <li key={c}>
            <span class={`swatch gap-${c}`} aria-hidden="true" />
            {classWords(c, t)}
          </li>
        ))}
        {coverage && coverage.known < coverage.end ? (
          <li>
            <span class="swatch swatch-unknown" aria-hidden="true" />
            {l.unknown}
          </li>
        ) : null}
      </ul>
      <div class="zoom-buttons" role="group" aria-label={l.zoom}>
        <IconButton icon="left" label={l.panLeft} testid="pan-left" disabled={whole} onClick={() => onPan(-1)} />
        <button
          type="button"
          class="icon-button"
          aria-label={l.zoomOut}
          title={l.zoomOut}
          data-testid="zoom-out"
          disabled={whole}
          onClick={() => onZoom(false)}
        >
          −
        </button>
        {(Object.keys(LEVELS) as Level[]).map((name) => (
          <button
            type="button"
            key={name}
            data-testid={`zoom-${name}`}
            aria-pressed={level === name}
            onClick={() => onLevel(name)}
          >
            {l.levels[name]}
          </button>
        ))}
        <button
          type="button"
          class="icon-button"
          aria-label={l.zoomIn}
          title={l.zoomIn}
          data-testid="zoom-in"
          onClick={() => onZoom(true)}
        >
          +
        </button>
        <IconButton icon="right" label={l.panRight} testid="pan-right" disabled={whole} onClick={() => onPan(1)} />
      </div>
    </div>
  );
}
