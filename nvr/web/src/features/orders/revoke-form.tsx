// Revoking an order, or ending a window or schedule: for all cameras that are left, or for some of them.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Directive, NewRevocation } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { DateField } from '../../shared/ui/date-field';
import { Dialog } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { FormActions, TextField } from '../../shared/ui/form';

export function RevokeForm({
  directive,
  zone,
  onDone,
  onClose,
}: {
  directive: Directive;
  zone: string;
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
          <TextField
            label={o.where}
            hint={o.whereHint}
            error={tried && where.trim() === '' ? o.missing : null}
            data-testid="revoke-where"
            value={where}
            onValue={setWhere}
          />
        ) : null}
        <TextField
          label={o.reason}
          error={tried && reason.trim() === '' ? o.missing : null}
          data-testid="revoke-reason"
          value={reason}
          onValue={setReason}
        />
        {isOrder ? (
          <>
            <TextField label={o.letter} data-testid="revoke-letter" value={letter} onValue={setLetter} />
            <DateField label={o.letterDate} date={date} zone={zone} testid="revoke-letter-date" onDate={setDate} />
            <TextField label={o.approver} data-testid="revoke-approver" value={approver} onValue={setApprover} />
          </>
        ) : null}
        <FormActions action={action} testid="revoke-save" onClose={onClose}>
          {isOrder ? o.revoke : o.endIt}
        </FormActions>
      </form>
    </Dialog>
  );
}
