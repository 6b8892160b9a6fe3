// Tokens for programs. A token is shown once, when it is made; the server keeps only what recognises it.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { formatInstant, parseInstant, type Instant } from '../../shared/time/instant';
import type { Me, Token, Role } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Confirm, Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field } from '../../shared/ui/field';
import { useList } from '../../shared/ui/list';
import { TimeField } from '../../shared/ui/time-field';
import { Time } from '../../shared/ui/time';
import { RoleField } from './role-field';
import { CopyButton, FormActions, TextField } from '../../shared/ui/form';
import { PeopleTabs } from './people-tabs';
import './people.css';
import { Table } from '../../shared/ui/table';

export function TokensPage({ me }: { me: Me }) {
  const { t } = useWords();
  const a = t.admin;
  const list = useList(async () => (await api.tokens()).tokens);
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  return (
    <div>
      <header class="page-head">
        <div>
          <h1>{a.tokensTitle}</h1>
          <p>{a.tokensText}</p>
        </div>
        <button type="button" class="primary" data-testid="add-token" onClick={() => setAdding(true)}>
          {a.addToken}
        </button>
      </header>
      <PeopleTabs current="tokens" />
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p class="note">{a.noTokens}</p> : null}
      {list.items && list.items.length > 0 ? (
        <Table
          class="t people-table"
          heads={[a.tokenName, a.role, a.tokenOf, a.madeBy, a.created, a.lastUsed, a.actions]}
        >
          {list.items.map((token) => (
            <tr key={token.id} data-testid="token-row" data-token={token.name}>
              <td data-label={a.tokenName}>{token.name}</td>
              <td data-label={a.role}>{t.roles[token.role]}</td>
              <td data-label={a.tokenOf}>{token.user ?? '–'}</td>
              <td data-label={a.madeBy}>{token.made_by ?? a.notKnown}</td>
              <td data-label={a.created}>
                {token.created ? <Time at={parseInstant(token.created)} zone={me.zone} /> : '–'}
              </td>
              <td data-label={a.lastUsed}>
                {token.last_used ? <Time at={parseInstant(token.last_used)} zone={me.zone} /> : a.never}
                {token.last_address ? <span class="muted"> ({token.last_address})</span> : null}
              </td>
              <td data-label={a.actions} class="row-actions">
                <button
                  type="button"
                  class="small danger"
                  data-testid="revoke-token"
                  onClick={() => setRevoking(token)}
                >
                  {a.revoke}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      {adding ? <TokenForm zone={me.zone} onMade={list.reload} onClose={() => setAdding(false)} /> : null}
      {revoking ? (
        <Confirm
          title={fill(a.revokeToken, { name: revoking.name })}
          text={a.revokeTokenText}
          action={a.revoke}
          work={() => api.removeToken(revoking.id)}
          onDone={list.reload}
          onClose={() => setRevoking(null)}
        />
      ) : null}
    </div>
  );
}

function TokenForm({ zone, onMade, onClose }: { zone: string; onMade: () => void; onClose: () => void }) {
  const { t } = useWords();
  const a = t.admin;
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [until, setUntil] = useState<Instant | null>(null);
  const [cameras, setCameras] = useState('');
  const [missing, setMissing] = useState(false);
  const [made, setMade] = useState<Token | null>(null);
  const action = useAction();
  if (made) {
    return (
      <Dialog title={made.name} testid="token-made" onClose={onClose}>
        <p role="status">{a.tokenOnce}</p>
        <Field label={a.tokensTitle}>
          {(f) => (
            <input
              {...f}
              class="mono"
              data-testid="token-value"
              readOnly
              value={made.token}
              onFocus={(e) => e.currentTarget.select()}
            />
          )}
        </Field>
        <div class="dialog-actions">
          <CopyButton value={made.token ?? ''} testid="token-copy" />
          <button type="button" class="primary" data-testid="token-done" onClick={onClose}>
            {t.close}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={a.addToken} testid="token-form" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(name.trim() === '');
          if (name.trim() === '') return;
          void action.run(async () => {
            setMade(
              await api.addToken({
                name: name.trim(),
                role,
                ...(until === null ? {} : { until: formatInstant(until) }),
                ...(cameras.trim() === '' ? {} : { cameras: cameras.trim() }),
              }),
            );
            onMade();
          });
        }}
      >
        <TextField
          label={a.tokenName}
          error={missing ? a.required : null}
          data-testid="token-name"
          value={name}
          onValue={setName}
        />
        <RoleField role={role} onRole={setRole} testid="token-role" />
        <TimeField
          label={a.tokenUntil}
          at={until}
          zone={zone}
          testid="token-until"
          onAt={setUntil}
          onNone={() => setUntil(null)}
        />
        <TextField label={a.tokenCameras} data-testid="token-cameras" value={cameras} onValue={setCameras} />
        <FormActions action={action} testid="token-save" onClose={onClose}>
          {a.create}
        </FormActions>
      </form>
    </Dialog>
  );
}
