// Rights to give: for whom, what, which cameras and footage, until when, why; first what it would do, then it is done.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { FootageKind, GrantEffects, Me, NewGrant } from '../../shared/api/schema';
import { serverNow } from '../../session';
import { formatInstant, type Instant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { FormActions, RangeFields, TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { TimeField } from '../../shared/ui/time-field';
import { roleName } from './grant-words';

const DAY_S = 86_400;

export function GrantForm({
  me,
  to = '',
  onDone,
  onClose,
}: {
  me: Me;
  /** For whom it is, if that is known. */
  to?: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const a = t.access;
  const [holder, setHolder] = useState(to);
  const [gives, setGives] = useState('viewer');
  const [cameras, setCameras] = useState('');
  const [kind, setKind] = useState<FootageKind>('all');
  const [days, setDays] = useState('7');
  const [range, setRange] = useState(() => ({ start: serverNow() - DAY_S * 1000, end: serverNow() }));
  const [until, setUntil] = useState<Instant | null>(null);
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const [effects, setEffects] = useState<GrantEffects | null>(null);
  const roles = useList(async () => (await api.roles()).roles);
  const action = useAction();
  const wanted = (): NewGrant => ({
    holder: holder.trim(),
    gives,
    cameras: cameras.trim(),
    reason: reason.trim(),
    footage: api.grantedFootage(kind, Number(days) * DAY_S, range),
    ...(until === null ? {} : { until: formatInstant(until) }),
  });
  const isWhole = holder.trim() !== '' && cameras.trim() !== '' && reason.trim() !== '';
  return (
    <Dialog title={a.give} testid="grant-form" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(!isWhole);
          if (!isWhole) return;
          // First what it would do; then, if it is sent again, it is done.
          void action.run(async () => {
            if (effects === null) {
              setEffects(await api.previewAccess({ give: wanted() }));
              return;
            }
            await api.giveGrant(wanted());
            onDone();
          });
        }}
        onInput={() => setEffects(null)}
      >
        <TextField
          label={a.who}
          hint={a.whoHint}
          error={missing && holder.trim() === '' ? t.admin.required : null}
          autocapitalize="none"
          data-testid="grant-holder"
          value={holder}
          onValue={setHolder}
        />
        <Field label={a.gives}>
          {(f) => (
            <select {...f} data-testid="grant-gives" value={gives} onChange={(e) => setGives(valueOf(e))}>
              {(roles.items ?? []).map((role) => (
                <option key={role.name} value={role.name}>
                  {roleName(role.name, t.roles)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label={a.cameras}
          hint={a.camerasHint}
          error={missing && cameras.trim() === '' ? t.admin.required : null}
          autocapitalize="none"
          data-testid="grant-cameras"
          value={cameras}
          onValue={setCameras}
        />
        <Field label={a.footage}>
          {(f) => (
            <select
              {...f}
              data-testid="grant-footage"
              value={kind}
              onChange={(e) => setKind(valueOf(e) as FootageKind)}
            >
              {(['all', 'live', 'last', 'range'] as const).map((name) => (
                <option key={name} value={name}>
                  {a.kinds[name]}
                </option>
              ))}
            </select>
          )}
        </Field>
        {kind === 'last' ? (
          <TextField type="number" min="1" label={a.days} data-testid="grant-days" value={days} onValue={setDays} />
        ) : null}
        {kind === 'range' ? <RangeFields range={range} zone={me.zone} testid="grant-range" onRange={setRange} /> : null}
        <TimeField
          label={a.until}
          hint={a.untilHint}
          at={until}
          zone={me.zone}
          testid="grant-until"
          onAt={setUntil}
          onNone={() => setUntil(null)}
        />
        <TextField
          label={a.why}
          hint={a.whyHint}
          error={missing && reason.trim() === '' ? t.admin.required : null}
          data-testid="grant-reason"
          value={reason}
          onValue={setReason}
        />
        {effects ? (
          <p class="notice" role="status" data-testid="grant-effects">
            {effects.summary}
            {effects.cameras !== null && effects.cameras !== cameras.trim()
              ? ` (${fill(a.narrowed, { cameras: effects.cameras })})`
              : null}
          </p>
        ) : null}
        <FormActions action={action} testid="grant-save" onClose={onClose}>
          {effects === null ? a.look : a.give}
        </FormActions>
      </form>
    </Dialog>
  );
}
