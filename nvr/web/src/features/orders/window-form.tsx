// A new maintenance window or schedule.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { formatInstant } from '../../shared/time/instant';
import { fromInput } from '../../shared/time/zone';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';

import { ChoiceFields, NOTHING_CHOSEN, readChoice } from '../cameras/choice';
import { FormActions, TextField } from '../../shared/ui/form';

export function WindowForm({
  kind,
  zone,
  onDone,
  onClose,
}: {
  kind: 'maintenance' | 'schedule';
  zone: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const o = t.orders;
  const [chosen, setChosen] = useState(NOTHING_CHOSEN);
  const [reason, setReason] = useState('');
  const [start, setStart] = useState('');
  const [end, setEnd] = useState('');
  const [hours, setHours] = useState('');
  const [tried, setTried] = useState(false);
  const [noChoice, setNoChoice] = useState(false);
  const action = useAction();
  const missing = (value: string): string | null => (tried && value.trim() === '' ? o.missing : null);

  const save = async (): Promise<void> => {
    setTried(true);
    const choice = await readChoice(chosen);
    setNoChoice(choice === null);
    const [from, to] = [fromInput(start, zone), fromInput(end, zone)];
    const done = await action.run(async () => {
      if (choice === null || reason.trim() === '') return Promise.reject(new Error(o.missing));
      if (kind === 'schedule') return api.enterSchedule({ ...choice, reason: reason.trim(), hours });
      if (from === null || to === null) return Promise.reject(new Error(o.missing));
      return api.enterWindow({ ...choice, reason: reason.trim(), start: formatInstant(from), end: formatInstant(to) });
    });
    if (done) onDone();
  };

  return (
    <Dialog title={o.add[kind]} testid={`${kind}-form`} onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p class="hint">{fill(t.clip.zone, { name: zone })}</p>
        <ChoiceFields chosen={chosen} error={noChoice ? o.missing : null} onChange={setChosen} />
        <TextField
          label={o.reason}
          error={missing(reason)}
          data-testid="window-reason"
          value={reason}
          onValue={setReason}
        />
        {kind === 'schedule' ? (
          <TextField
            label={o.hours}
            hint={o.hoursHint}
            error={missing(hours)}
            data-testid="schedule-hours"
            value={hours}
            onValue={setHours}
          />
        ) : (
          <>
            <TextField
              label={o.start}
              error={missing(start)}
              type="datetime-local"
              step="1"
              data-testid="window-start"
              value={start}
              onValue={setStart}
            />
            <TextField
              label={o.end}
              error={missing(end)}
              type="datetime-local"
              step="1"
              data-testid="window-end"
              value={end}
              onValue={setEnd}
            />
          </>
        )}
        <FormActions action={action} testid="window-save" onClose={onClose}>
          {o.enter}
        </FormActions>
      </form>
    </Dialog>
  );
}
