// Parts that forms share: a line of text, the buttons at the end, a value to copy.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { fill, useWords } from '../i18n';
import * as format from '../time/format';
import type { Instant } from '../time/instant';
import type { Action } from './action';
import { ErrorText } from './dialog';
import { Field, valueOf } from './field';
import { TimeField } from './time-field';

interface TextFieldProps {
  type?: 'text' | 'password' | 'search' | 'number' | 'email' | 'url';
  autocapitalize?: 'none';
  autocomplete?: string;
  name?: string;
  inputMode?: 'url' | 'numeric';
  list?: string;
  maxLength?: number;
  min?: string;
  placeholder?: string;
  required?: boolean;
  spellcheck?: boolean;
  step?: string;
  'data-testid': string;
  label: string;
  hint?: string | undefined;
  error?: string | null | undefined;
  /** Of the field, not of its input. */
  class?: string;
  value: string;
  onValue: (value: string) => void;
}

export function TextField({ label, hint, error, class: extra, onValue, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} {...(extra ? { class: extra } : {})}>
      {(f) => <input {...f} {...(input as object)} onInput={(e) => onValue(valueOf(e))} />}
    </Field>
  );
}

/** From when to when, with the zone that it is meant in. */
export function RangeFields({
  range,
  zone,
  testid,
  onRange,
}: {
  range: { start: Instant; end: Instant };
  zone: string;
  /** What both fields' begin with. */
  testid: string;
  onRange: (range: { start: Instant; end: Instant }) => void;
}) {
  const { t, lang } = useWords();
  return (
    <>
      <div class="two">
        <TimeField
          label={t.cases.from}
          error={range.end > range.start ? null : t.clip.invalid}
          at={range.start}
          zone={zone}
          testid={`${testid}-start`}
          onAt={(start) => onRange({ ...range, start })}
        />
        <TimeField
          label={t.cases.to}
          at={range.end}
          zone={zone}
          testid={`${testid}-end`}
          onAt={(end) => onRange({ ...range, end })}
        />
      </div>
      <p class="hint">{fill(t.clip.zone, { name: format.zoneName(range.start, lang, zone) })}</p>
    </>
  );
}

/** How long something is to be good, of a few lengths in seconds. */
export function LengthField({
  label,
  lengths,
  value,
  testid,
  onValue,
}: {
  label: string;
  lengths: readonly number[];
  value: number;
  testid: string;
  onValue: (seconds: number) => void;
}) {
  const { lang } = useWords();
  return (
    <Field label={label}>
      {(f) => (
        <select {...f} data-testid={testid} value={String(value)} onChange={(e) => onValue(Number(valueOf(e)))}>
          {lengths.map((s) => (
            <option key={s} value={String(s)}>
              {format.duration(s, lang)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A long text to take along: all of it is chosen as soon as it is entered. */
export function TakeAlong({ label, value, testid }: { label: string; value: string; testid: string }) {
  return (
    <Field label={label}>
      {(f) => (
        <textarea
          {...f}
          class="mono"
          rows={3}
          readOnly
          data-testid={testid}
          value={value}
          onFocus={(e) => e.currentTarget.select()}
        />
      )}
    </Field>
  );
}

/** What went wrong, and the two buttons of a form in a dialog. */
export function FormActions({
  action,
  testid,
  disabled = false,
  onClose,
  children,
}: {
  action: Action;
  disabled?: boolean;
  testid: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const { t } = useWords();
  return (
    <>
      <ErrorText text={action.error} testid="form-error" />
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
        <button type="submit" class="primary" data-testid={testid} disabled={action.busy || disabled}>
          {children}
        </button>
      </div>
    </>
  );
}

/** Only a page served over HTTPS (or from this machine) may use the clipboard; else the field is copied by hand. */
export function CopyButton({ value, testid }: { value: string; testid: string }) {
  const { t } = useWords();
  const [copied, setCopied] = useState(false);
  if (!navigator.clipboard) return null;
  return (
    <button
      type="button"
      data-testid={testid}
      onClick={() =>
        void navigator.clipboard.writeText(value).then(
          () => setCopied(true),
          () => undefined,
        )
      }
    >
      {copied ? t.admin.copied : t.admin.copy}
    </button>
  );
}
