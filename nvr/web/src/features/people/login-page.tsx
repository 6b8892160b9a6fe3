// The way in.

import { useEffect, useRef, useState } from 'preact/hooks';
import { BASE } from '../../shared/api/base';
import { useWords } from '../../shared/i18n';
import { login } from '../../session';
import { OtherWays } from './other-ways';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { TextField } from '../../shared/ui/form';

export function LoginPage({ expired }: { expired: boolean }) {
  const { t } = useWords();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [missing, setMissing] = useState(false);
  const action = useAction();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    first.current?.focus();
    document.title = `${t.login.title} – nvr`;
  }, [t]);
  return (
    <main class="login" id="content">
      <form
        class="panel"
        data-testid="login-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const complete = user !== '' && password !== '';
          setMissing(!complete);
          if (complete) void action.run(() => login(user, password));
        }}
      >
        <p class="brand">
          <img src={`${BASE}/favicon.svg`} alt="" width="28" height="28" /> nvr{' '}
          <span class="muted">{t.appTagline}</span>
        </p>
        <h1>{t.login.title}</h1>
        {expired ? (
          <p class="notice" role="status" data-testid="session-expired">
            {t.login.expired}
          </p>
        ) : null}
        {window.isSecureContext ? null : (
          <p class="notice" role="note" data-testid="not-secure">
            {t.login.notSecure}
          </p>
        )}
        <Field label={t.login.user}>
          {(a) => (
            <input
              {...a}
              ref={first}
              data-testid="login-user"
              name="username"
              autocomplete="username"
              autocapitalize="none"
              value={user}
              onInput={(e) => setUser(valueOf(e))}
            />
          )}
        </Field>
        <TextField
          label={t.login.password}
          data-testid="login-password"
          name="password"
          type="password"
          autocomplete="current-password"
          value={password}
          onValue={setPassword}
        />
        <ErrorText text={missing ? t.login.missing : action.error} testid="login-error" />
        <button type="submit" class="primary wide" data-testid="login-submit" disabled={action.busy}>
          {t.login.submit}
        </button>
        <OtherWays />
      </form>
    </main>
  );
}
