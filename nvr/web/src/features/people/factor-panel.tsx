// One's own second factors: setting one up, recovery codes, removing.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Factor, Factors, Me, NewTotp } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { CopyButton, TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { QrCode } from '../../shared/ui/qr';
import { hasPasskeys, makePasskey, PasskeyRefused } from './passkeys';

/** `onReady`: called when there is a factor, and its recovery codes were kept. */
export function FactorPanel({ me, onReady }: { me: Me; onReady?: () => void }) {
  const { t, lang } = useWords();
  const f = t.factor;
  const list = useList<Factors>(async () => [await api.factors()]);
  const own = list.items?.[0] ?? null;
  const [adding, setAdding] = useState<'totp' | 'passkey' | null>(null);
  const [removing, setRemoving] = useState<Factor | null>(null);
  const [codes, setCodes] = useState<string[]>([]);
  const making = useAction();
  const added = (fresh: string[]): void => {
    setAdding(null);
    setCodes(fresh);
    list.reload();
    if (fresh.length === 0) onReady?.();
  };
  if (codes.length > 0)
    return (
      <CodesShown
        codes={codes}
        onKept={() => {
          setCodes([]);
          onReady?.();
        }}
      />
    );
  return (
    <div data-testid="factors">
      <p class="muted">{f.why}</p>
      <ErrorText text={list.error ?? making.error} testid="factors-error" />
      {own?.factors.length === 0 ? <p data-testid="no-factor">{f.none}</p> : null}
      <ul class="plain">
        {(own?.factors ?? []).map((one) => (
          <li key={one.id} data-testid="factor" data-kind={one.kind}>
            {one.name} <span class="muted">({f.kinds[one.kind]})</span>{' '}
            {one.used === null ? null : (
              <span class="muted">{fill(f.used, { at: format.dateTime(parseInstant(one.used), lang, me.zone) })} </span>
            )}
            <button type="button" class="small danger" data-testid="remove-factor" onClick={() => setRemoving(one)}>
              {t.remove}
            </button>
          </li>
        ))}
      </ul>
      {own !== null && own.factors.length > 0 ? (
        <p>
          <span data-testid="codes-left">{fill(f.codesLeft, { n: own.recovery_codes })}</span>{' '}
          <button
            type="button"
            class="small"
            data-testid="new-codes"
            disabled={making.busy}
            onClick={() => void making.run(async () => added((await api.makeRecoveryCodes()).recovery_codes))}
          >
            {f.newCodes}
          </button>
        </p>
      ) : null}
      {adding === 'totp' ? <TotpForm onDone={added} /> : null}
      {adding === 'passkey' ? <PasskeyForm onDone={added} /> : null}
      {adding === null ? (
        <p>
          <button type="button" data-testid="add-totp" onClick={() => setAdding('totp')}>
            {f.addApp}
          </button>{' '}
          {hasPasskeys() ? (
            <button type="button" data-testid="add-passkey" onClick={() => setAdding('passkey')}>
              {f.addPasskey}
            </button>
          ) : (
            <span class="hint" data-testid="no-passkeys">
              {f.noPasskeys}
            </span>
          )}
        </p>
      ) : null}
      {removing ? (
        <Confirm
          title={`${t.remove}: ${removing.name}`}
          text={f.removeText}
          action={t.remove}
          work={() => api.removeFactor(removing.id)}
          onDone={list.reload}
          onClose={() => setRemoving(null)}
        />
      ) : null}
    </div>
  );
}

/** First a name, then the key for the app, then the code that it shows. */
function TotpForm({ onDone }: { onDone: (codes: string[]) => void }) {
  const { t } = useWords();
  const f = t.factor;
  const [name, setName] = useState('');
  const [made, setMade] = useState<NewTotp | null>(null);
  const [code, setCode] = useState('');
  const action = useAction();
  const submit = async (): Promise<void> => {
    if (made === null) {
      if (name.trim() !== '') await action.run(async () => setMade(await api.beginTotp(name.trim())));
      return;
    }
    await action.run(async () => onDone((await api.confirmTotp(made.id, code)).recovery_codes));
  };
  return (
    <form
      noValidate
      data-testid="totp-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {made === null ? (
        <TextField label={f.name} hint={f.nameHint} data-testid="factor-name" value={name} onValue={setName} />
      ) : (
        <>
          <p>{f.scan}</p>
          <QrCode text={made.uri} label={f.scanLabel} testid="totp-qr" />
          <p>
            <code class="mono" data-testid="totp-secret">
              {made.secret}
            </code>{' '}
            <CopyButton value={made.secret} testid="copy-secret" />{' '}
            <a class="button" href={made.uri} data-testid="totp-uri">
              {f.openApp}
            </a>
          </p>
          <TextField
            label={f.code}
            inputMode="numeric"
            autocomplete="one-time-code"
            data-testid="totp-code"
            value={code}
            onValue={setCode}
          />
        </>
      )}
      <ErrorText text={action.error} testid="totp-error" />
      <div class="dialog-actions">
        <button type="submit" class="primary" data-testid="totp-go" disabled={action.busy}>
          {made === null ? f.go : f.confirm}
        </button>
      </div>
    </form>
  );
}

function PasskeyForm({ onDone }: { onDone: (codes: string[]) => void }) {
  const { t } = useWords();
  const f = t.factor;
  const [name, setName] = useState('');
  const [refused, setRefused] = useState(false);
  const action = useAction();
  return (
    <form
      noValidate
      data-testid="passkey-form"
      onSubmit={(event) => {
        event.preventDefault();
        setRefused(false);
        if (name.trim() === '') return;
        void action.run(async () => {
          try {
            onDone(await makePasskey(name.trim()));
          } catch (error) {
            if (!(error instanceof PasskeyRefused)) throw error;
            setRefused(true);
          }
        });
      }}
    >
      <TextField label={f.name} hint={f.nameHint} data-testid="factor-name" value={name} onValue={setName} />
      <ErrorText text={refused ? f.passkeyFailed : action.error} testid="passkey-error" />
      <div class="dialog-actions">
        <button type="submit" class="primary" data-testid="passkey-go" disabled={action.busy}>
          {f.go}
        </button>
      </div>
    </form>
  );
}

/** Shown once: whoever does not keep them makes new ones. */
function CodesShown({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const { t } = useWords();
  const f = t.factor;
  return (
    <div role="status" data-testid="recovery-codes">
      <h2>{f.codesTitle}</h2>
      <p>{f.codesText}</p>
      <ul class="plain mono">
        {codes.map((code) => (
          <li key={code} data-testid="recovery-code">
            {code}
          </li>
        ))}
      </ul>
      <div class="dialog-actions">
        <CopyButton value={codes.join('\n')} testid="copy-codes" />
        <button type="button" class="primary" data-testid="codes-kept" onClick={onKept}>
          {f.codesKept}
        </button>
      </div>
    </div>
  );
}
