// Revoking an order, or ending a window or schedule: for all cameras that are left, or for some of them.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Directive, NewRevocation } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';

export function RevokeForm({
  directive,
  onDone,
  onClose,
}: {
  directive: Directive;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const o = t.orders;
  const [reason, setReason] = useState('');
  const [letter, setLetter] = useState('');
  const [date, setDate] = useState('');
  const [approver, setApprover] = useState('');
  const [some, setSome] = useState(false);
  const [where, setWhere] = useState('');
  const [tried, setTried] = useState(false);
  const action = useAction();
  const isOrder = directive.kind === 'order';

  const save = async (): Promise<void> => {
    setTried(true);
    if (reason.trim() === '' || (some && where.trim() === '')) return;
    const draft: NewRevocation = { reason: reason.trim() };
    if (letter.trim()) draft.letter = letter.trim();
    if (date) draft.letter_date = date;
    if (approver.trim()) draft.approver = approver.trim();
    if (some) draft.where = where.trim();
    if (await action.run(() => api.revokeDirective(directive.kind, directive.id, draft))) onDone();
  };

  return (
    <Dialog
      title={fill(o.revokeTitle, { name: directive.letter ?? directive.reason })}
      testid="revoke-form"
      onClose={onClose}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p>{o.revokeText}</p>
        <Field label={o.revokeFor}>
          {(f) => (
            <select
              {...f}
              data-testid="revoke-some"
              value={some ? 'some' : 'all'}
              onChange={(e) => setSome(valueOf(e) === 'some')}
            >
              <option value="all">
                {o.revokeAll} ({directive.left})
              </option>
              <option value="some">{o.revokeSome}</option>
            </select>
          )}
        </Field>
        {some ? (
          <Field label={o.where} hint={o.whereHint} error={tried && where.trim() === '' ? o.missing : null}>
            {(f) => <input {...f} data-testid="revoke-where" value={where} onInput={(e) => setWhere(valueOf(e))} />}
          </Field>
        ) : null}
        <Field label={o.reason} error={tried && reason.trim() === '' ? o.missing : null}>
          {(f) => <input {...f} data-testid="revoke-reason" value={reason} onInput={(e) => setReason(valueOf(e))} />}
        </Field>
        {isOrder ? (
          <>
            <Field label={o.letter}>
              {(f) => (
                <input {...f} data-testid="revoke-letter" value={letter} onInput={(e) => setLetter(valueOf(e))} />
              )}
            </Field>
            <Field label={o.letterDate}>
              {(f) => (
                <input
                  {...f}
                  type="date"
                  data-testid="revoke-letter-date"
                  value={date}
                  onInput={(e) => setDate(valueOf(e))}
                />
              )}
            </Field>
            <Field label={o.approver}>
              {(f) => (
                <input {...f} data-testid="revoke-approver" value={approver} onInput={(e) => setApprover(valueOf(e))} />
              )}
            </Field>
          </>
        ) : null}
        <ErrorText text={action.error} testid="form-error" />
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" class="primary" data-testid="revoke-save" disabled={action.busy}>
            {isOrder ? o.revoke : o.endIt}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
