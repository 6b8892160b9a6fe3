// The letter that an order rests on, and what citizens will read of it.

import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';
import { dayBounds } from '../../shared/time/zone';
import { DateField } from '../../shared/ui/date-field';
import { Field, valueOf } from '../../shared/ui/field';
import { TextField } from '../../shared/ui/form';
import { Sign } from '../../shared/ui/signs';

export interface OrderDocument {
  letter: string;
  letter_date: string;
  reason: string;
  approver: string;
  file: File | null;
  /** Whoever enters it says that they read what it does. */
  isRead: boolean;
  areAsked: boolean;
}

export const NO_LETTER: OrderDocument = {
  letter: '',
  letter_date: '',
  reason: '',
  approver: '',
  file: null,
  isRead: false,
  areAsked: false,
};
export const NEEDED = ['letter', 'reason', 'approver'] as const;

export function OrderLetter({
  letter,
  tried,
  zone,
  cameras,
  cases,
  citizens,
  pictures,
  expectedEnd,
  onLetter,
}: {
  letter: OrderDocument;
  /** It was tried to enter it: what is missing is said. */
  tried: boolean;
  zone: string;
  cameras: number;
  cases: number;
  /** How many of the cameras citizens know of, and how many of their pictures go. */
  citizens: number;
  pictures: number;
  expectedEnd: Instant | null;
  onLetter: (letter: OrderDocument) => void;
}) {
  const { t, lang } = useWords();
  const o = t.orders;
  const v = t.publicView;
  const n = (value: number): string => format.number(value, lang);
  const set = (change: Partial<OrderDocument>): void => onLetter({ ...letter, ...change });
  const missing = (key: (typeof NEEDED)[number]): string | null =>
    tried && letter[key].trim() === '' ? o.missing : null;
  return (
    <div class="letter-step" data-testid="order-form">
      <div class="letter-fields">
        <TextField
          label={o.letter}
          error={missing('letter')}
          data-testid="order-letter"
          value={letter.letter}
          onValue={(value) => set({ letter: value })}
        />
        <DateField
          label={o.letterDate}
          date={letter.letter_date}
          zone={zone}
          testid="order-letter-date"
          onDate={(letter_date) => set({ letter_date })}
        />
        <TextField
          label={o.approver}
          error={missing('approver')}
          data-testid="order-approver"
          value={letter.approver}
          onValue={(approver) => set({ approver })}
        />
      </div>
      <Field label={o.reason} error={missing('reason')}>
        {(f) => (
          <textarea
            {...f}
            rows={2}
            data-testid="order-reason"
            value={letter.reason}
            onInput={(e) => set({ reason: valueOf(e) })}
          />
        )}
      </Field>
      <Field label={o.attachment}>
        {(f) => (
          <input
            {...f}
            type="file"
            data-testid="order-attachment"
            onChange={(e) => set({ file: e.currentTarget.files?.[0] ?? null })}
          />
        )}
      </Field>
      {letter.file ? (
        <p class="file-box">
          <Sign name="file" />
          <b class="strong" translate={false}>
            {letter.file.name}
          </b>
          <span class="cap">{format.bytes(letter.file.size, lang)}</span>
        </p>
      ) : null}
      <h3>{o.citizensTitle}</h3>
      {citizens > 0 ? (
        <div class="note decision citizens-read" data-testid="order-citizens">
          <i class="h decision" aria-hidden="true" />
          <p>
            <b class="strong">{fill(v.byLetter, { n: n(citizens), letter: letter.letter.trim() || '…' })}</b>
            <br />
            <span class="mut">
              {letter.letter_date
                ? `${fill(v.letterOf, { date: format.date(dayBounds(letter.letter_date, zone).start, lang, zone) })} `
                : ''}
              {expectedEnd === null
                ? v.untilRevoked
                : fill(v.expectedEnd, { date: format.date(expectedEnd, lang, zone) })}
            </span>
          </p>
        </div>
      ) : (
        <p class="mut">{o.citizensNothing}</p>
      )}
      <h3>{o.beforeTitle}</h3>
      <label class="chk">
        <input
          type="checkbox"
          data-testid="order-read"
          checked={letter.isRead}
          onChange={(e) => set({ isRead: e.currentTarget.checked })}
        />
        <span>{fill(o.haveRead, { n: n(cameras), cases, pictures: n(pictures) })}</span>
      </label>
      {cases > 0 ? (
        <label class="chk">
          <input
            type="checkbox"
            data-testid="order-asked"
            checked={letter.areAsked}
            onChange={(e) => set({ areAsked: e.currentTarget.checked })}
          />
          <span>{fill(o.areAsked, { n: cases })}</span>
        </label>
      ) : null}
      <p class="note">
        <Sign name="info" />
        <span>{o.madeAgain}</span>
      </p>
    </div>
  );
}
