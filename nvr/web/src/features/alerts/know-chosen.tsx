// Says of several rows at once that somebody knows, with one note for the next shift.

import { useState } from 'preact/hooks';
import { useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { FormActions, TextField } from '../../shared/ui/form';
import type { AlertGroup } from './alert-groups';
import { acknowledge } from './alert-sheet';

export function KnowChosen({
  groups,
  titleOf,
  onDone,
  onClose,
}: {
  groups: readonly AlertGroup[];
  titleOf: (group: AlertGroup) => string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const a = t.alerts;
  const [note, setNote] = useState('');
  const action = useAction();
  return (
    <Dialog title={a.acknowledgeTitle} testid="acknowledge-chosen-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const alerts = groups.flatMap((group) => group.alerts);
          void action.run(() => acknowledge(alerts, note.trim())).then((done) => done && onDone());
        }}
      >
        <ul>
          {groups.map((group) => (
            <li key={group.alerts[0]!.id}>{titleOf(group)}</li>
          ))}
        </ul>
        <TextField label={a.handOver} data-testid="acknowledge-chosen-note" value={note} onValue={setNote} />
        <FormActions action={action} testid="acknowledge-chosen-save" onClose={onClose}>
          {a.acknowledge}
        </FormActions>
      </form>
    </Dialog>
  );
}
