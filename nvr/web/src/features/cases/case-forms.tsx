// The dialogs of the cases page.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { HOUR, MINUTE } from '../../shared/time/instant';
import { fromInput, toInput } from '../../shared/time/zone';
import type { Camera, Case } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { readIds } from '../gaps/report-sums';

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
        <Field label={c.number} hint={c.numberHint}>
          {(f) => (
            <input {...f} required data-testid="case-number" value={number} onInput={(e) => setNumber(valueOf(e))} />
          )}
        </Field>
        <Field label={c.legalBasis} hint={c.legalBasisHint}>
          {(f) => (
            <input {...f} required data-testid="case-basis" value={basis} onInput={(e) => setBasis(valueOf(e))} />
          )}
        </Field>
        <Field label={c.caseTitle}>
          {(f) => <input {...f} data-testid="case-title" value={title} onInput={(e) => setTitle(valueOf(e))} />}
        </Field>
        <Buttons action={c.open} busy={action.busy} error={action.error} testid="case-save" onClose={onClose} />
      </form>
    </Dialog>
  );
}

export function RequestForm({ case: asked, zone, onDone, onClose }: FormProps & { case: Case; zone: string }) {
  const { t, lang } = useWords();
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
        <Field label={c.cameras} hint={c.camerasHint}>
          {(f) => (
            <input
              {...f}
              required
              data-testid="request-cameras"
              list="request-camera-ids"
              value={ids}
              onInput={(e) => setIds(valueOf(e))}
            />
          )}
        </Field>
        <datalist id="request-camera-ids">
          {known.slice(0, 500).map((camera) => (
            <option key={camera.id} value={camera.id}>
              {camera.name}
            </option>
          ))}
        </datalist>
        <div class="two">
          <Field label={c.from} error={valid ? null : t.clip.invalid}>
            {(f) => (
              <input
                {...f}
                type="datetime-local"
                step="1"
                required
                data-testid="request-start"
                value={toInput(range.start, zone)}
                onChange={(e) => setRange({ ...range, start: fromInput(valueOf(e), zone) ?? range.start })}
              />
            )}
          </Field>
          <Field label={c.to}>
            {(f) => (
              <input
                {...f}
                type="datetime-local"
                step="1"
                required
                data-testid="request-end"
                value={toInput(range.end, zone)}
                onChange={(e) => setRange({ ...range, end: fromInput(valueOf(e), zone) ?? range.end })}
              />
            )}
          </Field>
        </div>
        <p class="hint">{fill(t.clip.zone, { name: format.zoneName(range.start, lang, zone) })}</p>
        <Field label={c.purpose}>
          {(f) => (
            <input
              {...f}
              required
              data-testid="request-purpose"
              value={purpose}
              onInput={(e) => setPurpose(valueOf(e))}
            />
          )}
        </Field>
        <Buttons action={c.ask} busy={action.busy} error={action.error} testid="request-save" onClose={onClose} />
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
        <Field label={c.reason}>
          {(f) => (
            <input
              {...f}
              required={decision.what !== 'approve'}
              data-testid="decision-reason"
              value={reason}
              onInput={(e) => setReason(valueOf(e))}
            />
          )}
        </Field>
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
        <Buttons action={words} busy={action.busy} error={action.error} testid="decision-save" onClose={onClose} />
      </form>
    </Dialog>
  );
}

function Buttons({
  action,
  busy,
  error,
  testid,
  onClose,
}: {
  action: string;
  busy: boolean;
  error: string | null;
  testid: string;
  onClose: () => void;
}) {
  const { t } = useWords();
  return (
    <>
      <ErrorText text={error} testid="form-error" />
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
        <button type="submit" class="primary" data-testid={testid} disabled={busy}>
          {action}
        </button>
      </div>
    </>
  );
}
