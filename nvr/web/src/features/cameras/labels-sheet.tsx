// One label of several cameras: given, or taken away. Cameras of the configuration file are changed there, and are
// said.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fleet, refreshFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { FormActions, TextField } from '../../shared/ui/form';
import { toast } from '../../shared/ui/toast';

export function LabelsSheet({ ids, onClose }: { ids: readonly string[]; onClose: () => void }) {
  const { t } = useWords();
  const c = t.cameras;
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const [missing, setMissing] = useState(false);
  const [done, setDone] = useState(0);
  const action = useAction();

  const change = async (): Promise<void> => {
    const key = name.trim();
    setMissing(key === '');
    if (key === '') return;
    let ofFile = 0;
    const worked = await action.run(async () => {
      for (const [n, id] of ids.entries()) {
        setDone(n + 1);
        const labels = { ...fleet.get().byId.get(id)?.labels };
        if (value.trim()) labels[key] = value.trim();
        else delete labels[key];
        try {
          await api.changeCamera(id, { labels });
        } catch (error) {
          if (!(error instanceof api.ApiError) || error.code !== 'provisioned') throw error;
          ofFile += 1;
        }
      }
    });
    refreshFleet();
    if (!worked) return;
    toast({ text: fill(ofFile > 0 ? c.labelledBut : c.labelled, { n: ids.length - ofFile, file: ofFile }) });
    onClose();
  };

  return (
    <Dialog title={fill(c.labelsOf, { n: ids.length })} testid="labels-sheet" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void change();
        }}
      >
        <TextField
          label={c.labelName}
          data-testid="label-name"
          error={missing ? t.admin.required : null}
          value={name}
          onValue={setName}
        />
        <TextField
          label={c.labelValue}
          hint={c.labelValueHint}
          data-testid="label-value"
          value={value}
          onValue={setValue}
        />
        {action.busy ? (
          <p class="mut" role="status">
            {fill(c.shown, { shown: done, all: ids.length })}
          </p>
        ) : null}
        <FormActions action={action} testid="labels-save" onClose={onClose}>
          {t.save}
        </FormActions>
      </form>
    </Dialog>
  );
}
