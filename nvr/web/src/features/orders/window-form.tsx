// A new maintenance window or schedule.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';
import { formatInstant, HOUR, MINUTE } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';

import { ChoiceFields, NOTHING_CHOSEN, readChoice, type Chosen } from '../cameras/choice';
import { FormActions, TextField } from '../../shared/ui/form';
import { TimeField } from '../../shared/ui/time-field';

export function WindowForm({
  kind,
  zone,
  cameras,
  onDone,
  onClose,
}: {
  kind: 'maintenance' | 'schedule';
  zone: string;
  /** Ids that were chosen before. */
  cameras: readonly string[];
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const o = t.orders;
  const [chosen, setChosen] = useState<Chosen>(
    cameras.length > 0 ? { ...NOTHING_CHOSEN, way: 'ids', ids: cameras } : NOTHING_CHOSEN,
  );
  const [reason, setReason] = useState('');
  const now = Math.floor(serverNow() / MINUTE) * MINUTE;
  const [start, setStart] = useState(now);
  const [end, setEnd] = useState(now + 2 * HOUR);
  const [hours, setHours] = useState('');
  const [tried, setTried] = useState(false);
  const [noChoice, setNoChoice] = useState(false);
  const action = useAction();
  const missing = (value: string): string | null => (tried && value.trim() === '' ? o.missing : null);

  const save = async (): Promise<void> => {
    setTried(true);
    const choice = await readChoice(chosen);
    setNoChoice(choice === null);
    const done = await action.run(async () => {
      if (choice === null || reason.trim() === '') return Promise.reject(new Error(o.missing));
      if (kind === 'schedule') return api.enterSchedule({ ...choice, reason: reason.trim(), hours });
      const range = { start: formatInstant(start), end: formatInstant(end) };
      return api.enterWindow({ ...choice, reason: reason.trim(), ...range });
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
            <TimeField label={o.start} at={start} zone={zone} testid="window-start" onAt={setStart} />
            <TimeField
              label={o.end}
              error={end > start ? null : t.clip.invalid}
              at={end}
              zone={zone}
              testid="window-end"
              onAt={setEnd}
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
