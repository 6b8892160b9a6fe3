// A citizen reports a fault: what is wrong, and a note if they like. Nothing of who they are is asked for or kept.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { FaultKind, PublicCamera } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';

const FAULTS: readonly FaultKind[] = ['dark', 'damaged', 'blocked', 'elsewhere', 'other'];
const LONGEST = 300;

export function ReportForm({ camera, onClose }: { camera: PublicCamera; onClose: () => void }) {
  const { t } = useWords();
  const p = t.publicView;
  const [kind, setKind] = useState<FaultKind>('dark');
  const [note, setNote] = useState('');
  const [done, setDone] = useState(false);
  const action = useAction();
  return (
    <Dialog title={fill(p.reportOf, { name: camera.name })} testid="report-form" onClose={onClose}>
      {done ? (
        <p role="status" data-testid="report-done">
          {p.reported}
        </p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void action
              .run(() => api.reportFault(camera.id, kind, note))
              .then((isDone) => {
                if (isDone) setDone(true);
              });
          }}
        >
          <fieldset>
            <legend>{p.whatIsWrong}</legend>
            {FAULTS.map((one) => (
              <label key={one} class="radio">
                <input
                  type="radio"
                  name="fault"
                  data-testid={`fault-${one}`}
                  checked={kind === one}
                  onChange={() => setKind(one)}
                />{' '}
                {p.faults[one]}
              </label>
            ))}
          </fieldset>
          <Field label={p.note} hint={p.noteHint}>
            {(f) => (
              <textarea
                {...f}
                rows={3}
                maxLength={LONGEST}
                data-testid="report-note"
                value={note}
                onInput={(event) => setNote(valueOf(event))}
              />
            )}
          </Field>
          <ErrorText text={action.error} />
          <div class="dialog-actions">
            <button type="submit" class="primary" data-testid="report-send" disabled={action.busy}>
              {p.send}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
