// Tokens for programs. A token is shown once, when it is made; the server keeps only what recognises it.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { parseInstant } from '../../shared/time/instant';
import type { Me, Token, Role } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Confirm, Dialog, ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { useList } from '../../shared/ui/list';
import { Time } from '../../shared/ui/time';
import { RoleField } from './role-field';

export function TokensPage({ me }: { me: Me }) {
  const { t } = useWords();
  const a = t.admin;
  const list = useList(async () => (await api.tokens()).tokens);
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const revoke = useAction();
  return (
    <div>
      <header class="page-head">
        <h1>{a.tokensTitle}</h1>
        <button type="button" class="primary" data-testid="add-token" onClick={() => setAdding(true)}>
          {a.addToken}
        </button>
      </header>
      <p class="muted">{a.tokensText}</p>
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p class="panel">{a.noTokens}</p> : null}
      {list.items && list.items.length > 0 ? (
        <div class="panel table-scroll">
          <table class="gaps">
            <thead>
              <tr>
                <th scope="col">{a.tokenName}</th>
                <th scope="col">{a.role}</th>
                <th scope="col">{a.tokenOf}</th>
                <th scope="col">{a.madeBy}</th>
                <th scope="col">{a.created}</th>
                <th scope="col">{a.lastUsed}</th>
                <th scope="col">{a.actions}</th>
              </tr>
            </thead>
            <tbody>
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
            </tbody>
          </table>
        </div>
      ) : null}
      {adding ? <TokenForm onMade={list.reload} onClose={() => setAdding(false)} /> : null}
      {revoking ? (
        <Confirm
          title={fill(a.revokeToken, { name: revoking.name })}
          text={a.revokeTokenText}
          action={a.revoke}
          error={revoke.error}
          busy={revoke.busy}
          onClose={() => {
            setRevoking(null);
            revoke.clear();
          }}
          onConfirm={async () => {
            if (await revoke.run(() => api.removeToken(revoking.id))) {
              setRevoking(null);
              list.reload();
            }
          }}
        />
      ) : null}
    </div>
  );
}

function TokenForm({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const { t } = useWords();
  const a = t.admin;
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [missing, setMissing] = useState(false);
  const [made, setMade] = useState<Token | null>(null);
  const [copied, setCopied] = useState(false);
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
          {/* Only a page served over HTTPS (or from this machine) may use the clipboard; elsewhere the field can be copied by hand. */}
          {navigator.clipboard ? (
            <button
              type="button"
              data-testid="token-copy"
              onClick={() =>
                void navigator.clipboard.writeText(made.token ?? '').then(
                  () => setCopied(true),
                  () => undefined,
                )
              }
            >
              {copied ? a.copied : a.copy}
            </button>
          ) : null}
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
            setMade(await api.addToken(name.trim(), role));
            onMade();
          });
        }}
      >
        <Field label={a.tokenName} error={missing ? a.required : null}>
          {(f) => <input {...f} data-testid="token-name" value={name} onInput={(e) => setName(valueOf(e))} />}
        </Field>
        <RoleField role={role} onRole={setRole} testid="token-role" />
        <ErrorText text={action.error} testid="form-error" />
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" class="primary" data-testid="token-save" disabled={action.busy}>
            {a.create}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
