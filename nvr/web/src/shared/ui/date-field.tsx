// A day to type: the day before the month, taken in any usual form. What can't be read is said below and changes
// nothing.

import { useEffect, useState } from 'preact/hooks';
import { serverNow } from '../../session';
import { useWords } from '../i18n';
import { parseUsual } from '../time/usual';
import { dateOf, parseDate, type CivilDate } from '../time/zone';
import { Field } from './field';

const two = (n: number): string => String(n).padStart(2, '0');

function shown(date: CivilDate): string {
  const parsed = parseDate(date);
  return parsed ? `${two(parsed.day)}/${two(parsed.month)}/${parsed.year}` : '';
}

/** `date`: 2026-11-30, or '' for none. */
export function DateField({
  label,
  date,
  zone,
  testid,
  onDate,
}: {
  label: string;
  date: CivilDate;
  zone: string;
  testid: string;
  onDate: (date: CivilDate) => void;
}) {
  const { t } = useWords();
  const [text, setText] = useState(shown(date));
  const [wrong, setWrong] = useState(false);
  useEffect(() => setText(shown(date)), [date]);
  const take = (): void => {
    const written = text.trim();
    const found = written === '' ? null : parseUsual(written, serverNow(), zone);
    const isDate = found !== null && found.hasDate && !found.hasTime && !found.rest;
    setWrong(written !== '' && !isDate);
    if (written !== '' && !isDate) return;
    const next = found ? dateOf(found.at, zone) : '';
    setText(shown(next));
    if (next !== date) onDate(next);
  };
  return (
    <Field label={label} error={wrong ? t.frame.time.wrongDate : null}>
      {(f) => (
        <input
          {...f}
          type="text"
          inputMode="numeric"
          autocomplete="off"
          placeholder={t.frame.time.date}
          data-testid={testid}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onBlur={take}
        />
      )}
    </Field>
  );
}
