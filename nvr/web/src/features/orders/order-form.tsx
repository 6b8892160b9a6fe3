// A new order: its fields, then its dry run, and only then its confirmation. What is confirmed is what was shown.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { formatInstant, parseInstant } from '../../shared/time/instant';
import { fromInput } from '../../shared/time/zone';
import type { NewOrder, OrderPreview } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { ChoiceFields, NOTHING_CHOSEN, readChoice, type Chosen } from '../cameras/choice';
import { FormActions } from '../../shared/ui/form';

const EMPTY = {
  letter: '',
  letter_date: '',
  reason: '',
  approver: '',
  start: '',
  expected_end: '',
  local_copy_until: '',
};
const NEEDED = ['letter', 'reason', 'approver'] as const;

export function OrderForm({
  zone,
  cameras,
  onDone,
  onClose,
}: {
  zone: string;
  /** Ids that were chosen before. */
  cameras: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const o = t.orders;
  const [fields, setFields] = useState(EMPTY);
  const [chosen, setChosen] = useState<Chosen>(
    cameras ? { ...NOTHING_CHOSEN, way: 'ids', ids: cameras.replaceAll(',', ', ') } : NOTHING_CHOSEN,
  );
  const [file, setFile] = useState<File | null>(null);
  const [tried, setTried] = useState(false);
  const [noChoice, setNoChoice] = useState(false);
  const [shown, setShown] = useState<{ draft: NewOrder; preview: OrderPreview } | null>(null);
  const action = useAction();
  const set =
    (key: keyof typeof EMPTY) =>
    (event: Event): void =>
      setFields({ ...fields, [key]: valueOf(event) });
  const missing = (key: (typeof NEEDED)[number]): string | null =>
    tried && fields[key].trim() === '' ? o.missing : null;

  const look = async (): Promise<void> => {
    setTried(true);
    const choice = await readChoice(chosen);
    setNoChoice(choice === null);
    if (choice === null || NEEDED.some((key) => fields[key].trim() === '')) return;
    await action.run(async () => {
      const draft: NewOrder = {
        ...choice,
        letter: fields.letter.trim(),
        reason: fields.reason.trim(),
        approver: fields.approver.trim(),
      };
      if (fields.letter_date) draft.letter_date = fields.letter_date;
      for (const key of ['start', 'expected_end', 'local_copy_until'] as const) {
        const at = fields[key] ? fromInput(fields[key], zone) : null;
        if (at !== null) draft[key] = formatInstant(at);
      }
      if (file) {
        draft.attachment = (await api.uploadAttachment(file)).sha256;
        draft.attachment_name = file.name;
      }
      setShown({ draft, preview: await api.previewOrder(draft) });
    });
  };

  if (shown) {
    return (
      <Dialog title={o.dryRunTitle} testid="order-dry-run" onClose={onClose}>
        <Impact preview={shown.preview} zone={zone} />
        <ErrorText text={action.error} testid="form-error" />
        <div class="dialog-actions">
          <button
            type="button"
            data-testid="order-back"
            onClick={() => {
              action.clear();
              setShown(null);
            }}
          >
            {o.back}
          </button>
          <button
            type="button"
            class="danger"
            data-testid="order-confirm"
            disabled={action.busy}
            onClick={() =>
              void action
                .run(() => api.enterOrder(shown.draft, shown.preview.plan_hash))
                .then((done) => done && onDone())
            }
          >
            {o.confirm}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={o.add.order} testid="order-form" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void look();
        }}
      >
        <p class="hint">{fill(t.clip.zone, { name: zone })}</p>
        <Field label={o.letter} error={missing('letter')}>
          {(f) => <input {...f} data-testid="order-letter" value={fields.letter} onInput={set('letter')} />}
        </Field>
        <Field label={o.letterDate}>
          {(f) => (
            <input
              {...f}
              type="date"
              data-testid="order-letter-date"
              value={fields.letter_date}
              onInput={set('letter_date')}
            />
          )}
        </Field>
        <Field label={o.reason} error={missing('reason')}>
          {(f) => <input {...f} data-testid="order-reason" value={fields.reason} onInput={set('reason')} />}
        </Field>
        <Field label={o.approver} error={missing('approver')}>
          {(f) => <input {...f} data-testid="order-approver" value={fields.approver} onInput={set('approver')} />}
        </Field>
        <ChoiceFields chosen={chosen} error={noChoice ? o.missing : null} onChange={setChosen} />
        <Field label={o.start} hint={o.startHint}>
          {(f) => (
            <input
              {...f}
              type="datetime-local"
              step="1"
              data-testid="order-start"
              value={fields.start}
              onInput={set('start')}
            />
          )}
        </Field>
        <Field label={o.expectedEnd} hint={o.expectedEndHint}>
          {(f) => (
            <input
              {...f}
              type="datetime-local"
              step="1"
              data-testid="order-expected-end"
              value={fields.expected_end}
              onInput={set('expected_end')}
            />
          )}
        </Field>
        <Field label={o.localCopy}>
          {(f) => (
            <input
              {...f}
              type="datetime-local"
              step="1"
              data-testid="order-local-copy"
              value={fields.local_copy_until}
              onInput={set('local_copy_until')}
            />
          )}
        </Field>
        <Field label={o.attachment}>
          {(f) => (
            <input
              {...f}
              type="file"
              data-testid="order-attachment"
              onChange={(e) => setFile(e.currentTarget.files?.[0] ?? null)}
            />
          )}
        </Field>
        <FormActions action={action} testid="order-preview" onClose={onClose}>
          {action.busy ? t.loading : o.dryRun}
        </FormActions>
      </form>
    </Dialog>
  );
}

function Impact({ preview: p, zone }: { preview: OrderPreview; zone: string }) {
  const { t, lang } = useWords();
  const o = t.orders;
  const n = (value: number, digits = 0): string => format.number(value, lang, digits);
  const names = (found: string[]): string => {
    if (found.length === 0) return n(0);
    const more = found.length > 5 ? ` ${fill(o.more, { n: n(found.length - 5) })}` : '';
    return `${n(found.length)}: ${found.slice(0, 5).join(', ')}${more}`;
  };
  return (
    <dl class="facts" data-testid="order-impact" data-cameras={p.cameras.length}>
      <dt>{o.cameras}</dt>
      <dd>
        {fill(o.chosen, { n: n(p.cameras.length) })}
        {p.disabled_before ? ` (${fill(o.disabledBefore, { n: n(p.disabled_before) })})` : ''}
      </dd>
      <dt>{o.lost}</dt>
      <dd>
        {p.camera_hours !== null && p.until !== null
          ? fill(o.lostHours, {
              hours: n(p.camera_hours, 1),
              until: format.dateTime(parseInstant(p.until), lang, zone),
            })
          : fill(o.lostDay, { hours: n(p.camera_hours_a_day) })}
      </dd>
      <dt>{o.holds}</dt>
      <dd>{names(p.holds.map((hold) => `${hold.camera} (${hold.reason})`))}</dd>
      <dt>{o.cases}</dt>
      <dd>{names(p.cases.map((found) => found.number))}</dd>
      <dt>{o.saved}</dt>
      <dd>
        {p.mbit_per_s === null
          ? fill(o.savedNone, { n: n(p.unknown) })
          : [
              fill(o.savedOf, { mbit: n(p.mbit_per_s, 1), measured: n(p.measured) }),
              ...(p.unknown ? [fill(o.savedUnknown, { n: n(p.unknown) })] : []),
            ].join('; ')}
      </dd>
      {p.cost_a_month === null ? null : (
        <>
          <dt>{o.cost}</dt>
          <dd>
            {fill(o.costOf, { month: n(p.cost_a_month) })}
            {p.cost_saved === null ? '' : `; ${fill(o.costUntil, { sum: n(p.cost_saved) })}`}
          </dd>
        </>
      )}
    </dl>
  );
}
