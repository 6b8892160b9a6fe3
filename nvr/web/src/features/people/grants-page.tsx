// Who may do what with which cameras, which of their footage, until when, and why.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { FootageKind, Grant, GrantEffects, Me, NewGrant } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Confirm, Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { FormActions, RangeFields, TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { Table } from '../../shared/ui/table';
import { Time } from '../../shared/ui/time';
import { serverNow } from '../../session';

const DAY_S = 86_400;

export function GrantsPage({ me }: { me: Me }) {
  const { t } = useWords();
  const a = t.access;
  const list = useList(async () => (await api.grants()).grants);
  const [giving, setGiving] = useState(false);
  const [revoking, setRevoking] = useState<Grant | null>(null);
  return (
    <div>
      <header class="page-head">
        <h1>{a.title}</h1>
        <button type="button" class="primary" data-testid="give-grant" onClick={() => setGiving(true)}>
          {a.give}
        </button>
      </header>
      <p class="muted">{a.text}</p>
      <ErrorText text={list.error} testid="list-error" />
      {list.items ? (
        <Table panel heads={[a.who, a.gives, a.cameras, a.footage, a.until, a.why, t.admin.actions]}>
          {list.items.map((grant) => (
            <tr key={grant.id} data-testid="grant-row" data-grant={grant.id}>
              <td data-label={a.who}>{grant.holder_name ?? grant.holder}</td>
              <td data-label={a.gives}>{roleName(grant.gives, t.roles)}</td>
              <td data-label={a.cameras}>{grant.cameras === '*' ? a.all : grant.cameras}</td>
              <td data-label={a.footage}>
                <FootageWords grant={grant} zone={me.zone} />
              </td>
              <td data-label={a.until}>
                {grant.until === null ? a.untilRevoked : <Time at={parseInstant(grant.until)} zone={me.zone} />}
                {grant.in_force ? null : <span class="muted"> ({a.notInForce})</span>}
              </td>
              <td data-label={a.why}>{fill(a.whyBy, { reason: grant.reason, by: grant.made_by })}</td>
              <td data-label={t.admin.actions} class="row-actions">
                <button
                  type="button"
                  class="small danger"
                  data-testid="revoke-grant"
                  onClick={() => setRevoking(grant)}
                >
                  {t.admin.revoke}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      {giving ? (
        <GrantForm
          me={me}
          onClose={() => setGiving(false)}
          onDone={() => {
            setGiving(false);
            list.reload();
          }}
        />
      ) : null}
      {revoking ? (
        <Confirm
          title={fill(a.revokeTitle, { name: revoking.holder_name ?? revoking.holder })}
          text={a.revokeText}
          action={t.admin.revoke}
          work={() => api.revokeGrant(revoking.id)}
          onDone={list.reload}
          onClose={() => setRevoking(null)}
        />
      ) : null}
    </div>
  );
}

/** A built-in role in the reader's language; one of the installation's own as it is called. */
function roleName(name: string, known: Record<string, string>): string {
  return known[name] ?? name;
}

function FootageWords({ grant, zone }: { grant: Grant; zone: string }) {
  const { t, lang } = useWords();
  const { kind, last_s, start, end } = grant.footage;
  if (kind === 'last') return <>{fill(t.access.lastOf, { length: format.duration(last_s ?? 0, lang) })}</>;
  if (kind !== 'range' || !start || !end) return <>{t.access.kinds[kind ?? 'all']}</>;
  return (
    <>
      <Time at={parseInstant(start)} zone={zone} /> – <Time at={parseInstant(end)} zone={zone} />
    </>
  );
}

function GrantForm({ me, onDone, onClose }: { me: Me; onDone: () => void; onClose: () => void }) {
  const { t } = useWords();
  const a = t.access;
  const [holder, setHolder] = useState('');
  const [gives, setGives] = useState('viewer');
  const [cameras, setCameras] = useState('');
  const [kind, setKind] = useState<FootageKind>('all');
  const [days, setDays] = useState('7');
  const [range, setRange] = useState(() => ({ start: serverNow() - DAY_S * 1000, end: serverNow() }));
  const [until, setUntil] = useState('');
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
    ...(until === '' ? {} : { until: new Date(until).toISOString() }),
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
        <TextField
          type="datetime-local"
          label={a.until}
          hint={a.untilHint}
          data-testid="grant-until"
          value={until}
          onValue={setUntil}
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
