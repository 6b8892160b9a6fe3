// A moment to type: 24 hours, the day before the month, in the display zone, taken in any usual form. The arrow keys
// turn the part under the caret. What can't be read is said below and changes nothing.

import { useEffect, useRef, useState } from 'preact/hooks';
import { serverNow } from '../../session';
import { useWords } from '../i18n';
import * as format from '../time/format';
import type { Instant } from '../time/instant';
import { parseUsual, turned, usualText } from '../time/usual';
import { Field } from './field';

interface TimeFieldProps {
  label: string;
  /** Null: nothing is chosen yet. */
  at: Instant | null;
  zone: string;
  testid: string;
  error?: string | null;
  hint?: string;
  required?: boolean;
  class?: string;
  onAt: (at: Instant) => void;
  /** Called when the field was emptied; without it, emptying brings back what was there. */
  onNone?: () => void;
}

export function TimeField({
  label,
  at,
  zone,
  testid,
  error,
  hint,
  required,
  class: extra,
  onAt,
  onNone,
}: TimeFieldProps) {
  const { t, lang } = useWords();
  const mark = lang === 'id' ? '.' : ':';
  const shown = at === null ? '' : usualText(at, zone, mark);
  const [text, setText] = useState(shown);
  const [wrong, setWrong] = useState(false);
  const typing = useRef(false);
  useEffect(() => {
    if (!typing.current) setText(shown);
  }, [shown]);

  const take = (): void => {
    typing.current = false;
    const written = text.trim();
    if (written === shown) return setWrong(false);
    if (written === '') {
      setWrong(false);
      if (onNone) onNone();
      else setText(shown);
      return;
    }
    const found = parseUsual(written, serverNow(), zone);
    if (!found || found.rest) return setWrong(true);
    setWrong(false);
    setText(usualText(found.at, zone, mark));
    if (found.at !== at) onAt(found.at);
  };

  const turn = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') return take();
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    const input = event.currentTarget as HTMLInputElement;
    const found = parseUsual(text, serverNow(), zone);
    if (!found || found.rest) return;
    event.preventDefault();
    const caret = input.selectionStart ?? 0;
    const by = (event.key === 'ArrowUp' ? 1 : -1) * (event.shiftKey ? 10 : 1);
    const next = turned(found.at, text === usualText(found.at, zone, mark) ? caret : 11, by, zone);
    setText(usualText(next, zone, mark));
    onAt(next);
    requestAnimationFrame(() => input.setSelectionRange(caret, caret));
  };

  return (
    <Field
      label={label}
      error={wrong ? `${t.frame.time.wrong} ${t.frame.time.hint}` : error}
      hint={hint ?? (at === null ? t.frame.time.hint : undefined)}
      {...(extra ? { class: extra } : {})}
    >
      {(f) => (
        <span class="in-box time-box">
          <input
            {...f}
            type="text"
            inputMode="text"
            autocomplete="off"
            spellcheck={false}
            required={required}
            data-testid={testid}
            value={text}
            onInput={(event) => {
              typing.current = true;
              setText(event.currentTarget.value);
            }}
            onKeyDown={turn}
            onBlur={take}
          />
          <span class="zone" {...(at === null ? {} : { title: format.utc(at) })}>
            {format.zoneName(at ?? serverNow(), lang, zone)}
          </span>
        </span>
      )}
    </Field>
  );
}
