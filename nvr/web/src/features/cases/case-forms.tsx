// The dialogs of the cases page.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';

import { HOUR, MINUTE } from '../../shared/time/instant';

import type { Case } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';

import { FormActions, TextField } from '../../shared/ui/form';
import { TimeField } from '../../shared/ui/time-field';
import { CameraChips, type NamedCamera } from './camera-chips';

interface FormProps {
  onDone: () => void;
  onClose: () => void;
}

export interface Decision {
  what: 'approve' | 'refuse' | 'withdraw' | 'close';
  id: string;
}

export function CaseForm({ onDone, onClose }: { onDone: (made: Case) => void; onClose: () => void }) {
  const { t } = useWords();
  const c = t.cases;
  const [number, setNumber] = useState('');
  const [basis, setBasis] = useState('');
  const [title, setTitle] = useState('');
  const action = useAction();
  return (
    <Dialog title={c.open} testid="case-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(async () => onDone(await api.openCase(number.trim(), basis.trim(), title.trim())));
        }}
      >
        <TextField
          label={c.number}
          hint={c.numberHint}
          required
          data-testid="case-number"
          value={number}
          onValue={setNumber}
        />
        <TextField
          label={c.legalBasis}
          hint={c.legalBasisHint}
          required
          data-testid="case-basis"
          value={basis}
          onValue={setBasis}
        />
        <TextField label={c.caseTitle} data-testid="case-title" value={title} onValue={setTitle} />
        <FormActions action={action} testid="case-save" onClose={onClose}>
          {c.open}
        </FormActions>
      </form>
    </Dialog>
  );
}

export function RequestForm({ case: asked, zone, onDone, onClose }: FormProps & { case: Case; zone: string }) {
  const { t } = useWords();
  const c = t.cases;
  const now = Math.floor(serverNow() / MINUTE) * MINUTE;
  const [chosen, setChosen] = useState<NamedCamera[]>([]);
  const [range, setRange] = useState({ start: now - HOUR, end: now });
  const [purpose, setPurpose] = useState('');
  const action = useAction();
  const valid = range.end > range.start && chosen.length > 0;
  return (
    <Dialog title={fill(c.askIn, { number: asked.number })} testid="request-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid)
            void action
              .run(() =>
                api.askForFootage(
                  asked.id,
                  chosen.map((one) => one.id),
                  range.start,
                  range.end,
                  purpose.trim(),
                ),
              )
              .then((done) => done && onDone());
        }}
      >
        <p class="hint">{c.heldAtOnce}</p>
        <CameraChips chosen={chosen} testid="request-cameras" onChosen={setChosen} />
        <div class="two">
          <TimeField
            label={c.from}
            error={range.end > range.start ? null : t.clip.invalid}
            at={range.start}
            zone={zone}
            testid="request-start"
            onAt={(start) => setRange({ ...range, start })}
          />
          <TimeField
            label={c.to}
            at={range.end}
            zone={zone}
            testid="request-end"
            onAt={(end) => setRange({ ...range, end })}
          />
        </div>
        <TextField label={c.purpose} required data-testid="request-purpose" value={purpose} onValue={setPurpose} />
        <FormActions action={action} testid="request-save" disabled={!valid} onClose={onClose}>
          {c.ask}
        </FormActions>
      </form>
    </Dialog>
  );
}

export function DecisionForm({
  decision,
  mayRelease,
  onDone,
  onClose,
}: FormProps & { decision: Decision; mayRelease: boolean }) {
  const { t } = useWords();
  const c = t.cases;
  const [reason, setReason] = useState('');
  const [release, setRelease] = useState(false);
  const action = useAction();
  const words = c[decision.what];
  return (
    <Dialog title={words} testid="decision-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action
            .run(() => api.decide(decision.what, decision.id, reason.trim(), release))
            .then((done) => done && onDone());
        }}
      >
        <TextField
          label={c.reason}
          required={decision.what !== 'approve'}
          data-testid="decision-reason"
          value={reason}
          onValue={setReason}
        />
        {decision.what !== 'approve' && mayRelease ? (
          <label class="check">
            <input
              type="checkbox"
              data-testid="decision-release"
              checked={release}
              onChange={(e) => setRelease(e.currentTarget.checked)}
            />
            <span>
              {c.release} <span class="hint">{c.releaseHint}</span>
            </span>
          </label>
        ) : null}
        <FormActions action={action} testid="decision-save" onClose={onClose}>
          {words}
        </FormActions>
      </form>
    </Dialog>
  );
}
