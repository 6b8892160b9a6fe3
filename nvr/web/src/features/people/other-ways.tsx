// Ways in beside the password: a passkey, an identity provider.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords } from '../../shared/i18n';
import type { LoginProvider } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { refreshSession } from '../../session';
import { hasPasskeys, loginByPasskey, PasskeyRefused } from './passkeys';

/** Why a provider let nobody in: the part of the address behind `#/login/`. */
const failedCode = (): string | null => /^#\/login\/(\w+)$/.exec(location.hash)?.[1] ?? null;

export function OtherWays() {
  const { t } = useWords();
  const action = useAction();
  const [refused, setRefused] = useState(false);
  const [providers, setProviders] = useState<LoginProvider[]>([]);
  const [failed] = useState(failedCode);
  useEffect(() => {
    // Whoever logs in with a password does not need to know that this could not be loaded.
    api.loginWays().then(
      (ways) => setProviders(ways.providers),
      () => undefined,
    );
  }, []);
  const byPasskey = (): void => {
    setRefused(false);
    void action.run(async () => {
      try {
        await loginByPasskey();
        await refreshSession();
      } catch (error) {
        if (!(error instanceof PasskeyRefused)) throw error;
        setRefused(true);
      }
    });
  };
  const [code, setCode] = useState<string | null>(null);
  const letIn = (event: Event): void => {
    event.preventDefault();
    void action.run(async () => {
      await api.loginScreen(code ?? '');
      await refreshSession();
    });
  };
  const why = failed === null ? null : (named(t.login.failed, failed) ?? t.login.failed.other);
  return (
    <>
      <ErrorText text={refused ? t.factor.passkeyFailed : (action.error ?? why)} testid="other-way-error" />
      {hasPasskeys() ? (
        <button type="button" class="wide" data-testid="login-passkey" disabled={action.busy} onClick={byPasskey}>
          {t.login.passkey}
        </button>
      ) : null}
      {providers.map((one) => (
        <a key={one.id} class="button wide" data-testid={`login-with-${one.id}`} href={api.providerUrl(one.id, false)}>
          {fill(t.login.with, { provider: one.name })}
        </a>
      ))}
      {code === null ? (
        <button type="button" class="small" data-testid="screen" onClick={() => setCode('')}>
          {t.login.screen}
        </button>
      ) : (
        <>
          <TextField
            label={t.login.screenCode}
            autocomplete="off"
            data-testid="screen-code"
            value={code}
            onValue={setCode}
          />
          <button type="button" class="wide" data-testid="screen-go" disabled={action.busy} onClick={letIn}>
            {t.login.screenGo}
          </button>
        </>
      )}
    </>
  );
}
