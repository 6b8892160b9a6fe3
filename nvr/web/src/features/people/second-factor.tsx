// Second factors: giving one at a login, and once more before what needs a fresh proof.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useWords } from '../../shared/i18n';
import type { Me, WaysToProve } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { createStore, useStore } from '../../shared/store';
import { logout, refreshSession } from '../../session';
import { FactorPanel } from './factor-panel';
import { hasPasskeys, PasskeyRefused, proveByPasskey } from './passkeys';

/** What stands in the place of every page until a second factor was given, or set up. */
export function SecondFactorPage({ me }: { me: Me }) {
  const { t } = useWords();
  const f = t.factor;
  return (
    <main class="login" id="content">
      <section class="panel" data-testid={`second-factor-${me.second_factor ?? ''}`}>
        <h1>{f.title}</h1>
        {me.second_factor === 'needed' ? (
          <>
            <p>{f.needed}</p>
            <ProofForm onDone={() => void refreshSession()} />
            <p class="hint">{f.lost}</p>
          </>
        ) : (
          <>
            <p>{f.setUpFirst}</p>
            <FactorPanel me={me} onReady={() => void refreshSession()} />
          </>
        )}
        <button type="button" class="small" data-testid="logout" onClick={() => void logout()}>
          {t.nav.logout}
        </button>
      </section>
    </main>
  );
}

/** Asks for one's factor, or for the password of who has none. */
function ProofForm({ onDone }: { onDone: () => void }) {
  const { t } = useWords();
  const f = t.factor;
  const [ways, setWays] = useState<WaysToProve | null>(null);
  const [byRecovery, setByRecovery] = useState(false);
  const [text, setText] = useState('');
  const action = useAction();
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    void action.run(async () => setWays(await api.waysToProve()));
  }, []);
  const byPasskey = async (): Promise<void> => {
    setRefused(false);
    await action.run(async () => {
      try {
        await proveByPasskey();
        onDone();
      } catch (error) {
        if (!(error instanceof PasskeyRefused)) throw error;
        setRefused(true);
      }
    });
  };
  if (ways === null) return <ErrorText text={action.error} testid="proof-error" />;
  if (ways.provider !== null && !ways.password)
    return (
      <a class="button primary" data-testid="proof-provider" href={api.providerUrl(ways.provider, true)}>
        {f.atProvider}
      </a>
    );
  const hasApp = ways.factors.includes('totp');
  const hasKey = ways.factors.includes('passkey') && hasPasskeys();
  const kind = ways.password ? 'password' : byRecovery || !hasApp ? 'recovery_code' : 'code';
  return (
    <form
      noValidate
      data-testid="proof-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === '') return;
        void action.run(() => api.prove({ [kind]: text })).then((done) => (done ? onDone() : setText('')));
      }}
    >
      <TextField
        key={kind}
        label={kind === 'password' ? t.login.password : kind === 'code' ? f.code : f.recovery}
        type={kind === 'password' ? 'password' : 'text'}
        autocomplete={kind === 'password' ? 'current-password' : kind === 'code' ? 'one-time-code' : 'off'}
        {...(kind === 'code' ? { inputMode: 'numeric' as const } : {})}
        autocapitalize="none"
        data-testid="proof"
        value={text}
        onValue={setText}
      />
      <ErrorText text={refused ? f.passkeyFailed : action.error} testid="proof-error" />
      <div class="dialog-actions">
        {hasKey ? (
          <button
            type="button"
            class="primary"
            data-testid="proof-passkey"
            disabled={action.busy}
            onClick={() => void byPasskey()}
          >
            {f.usePasskey}
          </button>
        ) : null}
        {hasApp ? (
          <button
            type="button"
            class="small"
            data-testid="proof-other"
            onClick={() => {
              setByRecovery(!byRecovery);
              setText('');
            }}
          >
            {byRecovery ? f.useCode : f.useRecovery}
          </button>
        ) : null}
        <button type="submit" class="primary" data-testid="proof-go" disabled={action.busy}>
          {f.go}
        </button>
      </div>
    </form>
  );
}

/** Somebody waits for a proof: what is called with whether it was given. */
const asked = createStore<((given: boolean) => void) | null>(null);

/** Requests that need a fresh proof wait for it, and are then made again. Once in the page, beside whatever is there.
 * */
export function ProofDialog() {
  const { t } = useWords();
  const waiting = useStore(asked);
  useEffect(() => {
    api.whenProofNeeded(
      () =>
        new Promise((resolve) => {
          asked.get()?.(false);
          asked.set(resolve);
        }),
    );
    return () => api.whenProofNeeded(() => Promise.resolve(false));
  }, []);
  if (waiting === null) return null;
  const end = (given: boolean): void => {
    asked.set(null);
    waiting(given);
  };
  return (
    <Dialog title={t.factor.again} testid="proof-dialog" onClose={() => end(false)}>
      <p>{t.factor.againWhy}</p>
      <ProofForm onDone={() => end(true)} />
    </Dialog>
  );
}
