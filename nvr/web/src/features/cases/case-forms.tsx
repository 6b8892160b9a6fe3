// The dialogs of the cases page.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';

import { HOUR, MINUTE } from '../../shared/time/instant';

import type { Camera, Case } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';

import { readIds } from '../gaps/report-sums';
import { FormActions, RangeFields, TextField } from '../../shared/ui/form';

interface FormProps {
  onDone: () => void;
  onClose: () => void;
}

export interface Decision {
  what: 'approve' | 'refuse' | 'withdraw' | 'close';
  id: string;
}

export function CaseForm({ onDone, onClose }: FormProps) {
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
          void action
            .run(() => api.openCase(number.trim(), basis.trim(), title.trim()))
            .then((done) => done && onDone());
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
  const [ids, setIds] = useState('');
  const [range, setRange] = useState({ start: now - HOUR, end: now });
  const [purpose, setPurpose] = useState('');
  const [known, setKnown] = useState<Camera[]>([]);
  const action = useAction();
  useEffect(() => {
    api
      .cameras()
      .then((list) => setKnown(list.cameras))
      .catch(() => undefined); // suggestions only
  }, []);
  const valid = range.end > range.start;
  return (
    <Dialog title={fill(c.askIn, { number: asked.number })} testid="request-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid)
            void action
              .run(() => api.askForFootage(asked.id, readIds(ids), range.start, range.end, purpose.trim()))
              .then((done) => done && onDone());
        }}
      >
        <p class="hint">{c.heldAtOnce}</p>
        <TextField
          label={c.cameras}
          hint={c.camerasHint}
          required
          data-testid="request-cameras"
          list="request-camera-ids"
          value={ids}
          onValue={setIds}
        />
        <datalist id="request-camera-ids">
          {known.slice(0, 500).map((camera) => (
            <option key={camera.id} value={camera.id}>
              {camera.name}
            </option>
          ))}
        </datalist>
        <RangeFields range={range} zone={zone} testid="request" onRange={setRange} />
        <TextField label={c.purpose} required data-testid="request-purpose" value={purpose} onValue={setPurpose} />
        <FormActions action={action} testid="request-save" onClose={onClose}>
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
