// Devices made cameras: by a pattern for their ids and labels for all, or by a table that was filled in.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { DevicesAdded } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { Field } from '../../shared/ui/field';
import { FormActions, TextField } from '../../shared/ui/form';
import { readLabels } from '../cameras/labels-text';

interface AddDevicesProps {
  /** Ids; none: every one. */
  devices: string[];
  onDone: () => void;
  onClose: () => void;
}

export function AddDevices({ devices, onDone, onClose }: AddDevicesProps) {
  const { t } = useWords();
  const d = t.devices;
  const [pattern, setPattern] = useState('cam-{number:04}');
  const [labels, setLabels] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [checked, setChecked] = useState<DevicesAdded | null>(null);
  const [mistakes, setMistakes] = useState<Array<{ field: string; message: string }>>([]);
  const action = useAction();
  const read = readLabels(labels.replaceAll(',', '\n'));
  const send = (dryRun: boolean): void => {
    if ('wrong' in read) return;
    void action.run(async () => {
      setMistakes([]);
      try {
        const done = file
          ? await api.importDevices(file, dryRun)
          : await api.addDevices({ pattern, labels: read.labels, devices, dry_run: dryRun });
        setChecked(done);
        if (!dryRun) {
          onDone();
          onClose();
        }
      } catch (error) {
        setChecked(null);
        if (!(error instanceof api.ApiError && error.problem.errors?.length)) throw error;
        setMistakes(error.problem.errors);
      }
    });
  };
  const change = (set: () => void): void => {
    set();
    setChecked(null);
  };
  return (
    <Dialog
      title={devices.length > 0 ? fill(d.addChosen, { count: String(devices.length) }) : d.addAll}
      testid="add-devices-form"
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send(checked === null);
        }}
      >
        <TextField
          label={d.pattern}
          hint={d.patternHint}
          data-testid="device-pattern"
          spellcheck={false}
          value={pattern}
          onValue={(text) => change(() => setPattern(text))}
        />
        <TextField
          label={t.admin.labels}
          hint={d.labelsHint}
          error={'wrong' in read ? fill(t.admin.labelInvalid, { line: read.wrong }) : null}
          data-testid="device-labels"
          value={labels}
          onValue={(text) => change(() => setLabels(text))}
        />
        <Field label={d.file} hint={d.fileHint}>
          {(f) => (
            <input
              {...f}
              type="file"
              accept=".csv,text/csv"
              data-testid="device-file"
              onChange={(e) => {
                const given = e.currentTarget.files?.[0] ?? null;
                change(() => setFile(given));
              }}
            />
          )}
        </Field>
        {checked ? (
          <p class="notice" role="status" data-testid="would-add">
            {fill(d.wouldAdd, { count: String(checked.added.length) })} {checked.added.slice(0, 10).join(', ')}
          </p>
        ) : null}
        {mistakes.length > 0 ? (
          <ul class="error" role="alert" data-testid="device-mistakes">
            {mistakes.slice(0, 50).map((one) => (
              <li key={`${one.field} ${one.message}`}>
                {one.field}: {one.message}
              </li>
            ))}
          </ul>
        ) : null}
        <FormActions action={action} testid="submit-devices" onClose={onClose} disabled={checked?.added.length === 0}>
          {checked ? d.add : d.check}
        </FormActions>
      </form>
    </Dialog>
  );
}
