// Who is logged in, and the frame with the page that they are on.

import { useEffect, useRef } from 'preact/hooks';
import { useWords } from './shared/i18n';
import { PasswordForm } from './features/people/password-form';
import { LoginPage } from './features/people/login-page';
import { ProofDialog, SecondFactorPage } from './features/people/second-factor';
import { Frame } from './frame/frame';
import { logout, refreshSession, session } from './session';
import type { Me } from './shared/api/schema';
import { LanguageChoice } from './shared/ui/language';
import { fill } from './shared/i18n';
import { useStore } from './shared/store';

const AGAIN_MS = 4000;

export function App() {
  const { t } = useWords();
  const who = useStore(session);
  const before = useRef<Me | null>(null);
  useEffect(() => {
    if (who.state !== 'offline') return;
    const timer = setInterval(() => void refreshSession(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [who.state]);
  if (who.state === 'in') before.current = who.me;
  else if (who.state === 'out' && !who.expired) before.current = null;

  if (who.state === 'in' && who.me.second_factor === 'needed') return <SecondFactorPage me={who.me} />;
  if (who.state === 'in' && who.me.must_change_password) return <FirstPassword me={who.me} />;
  if (who.state === 'in' && who.me.second_factor === 'set_up') return <SecondFactorPage me={who.me} />;
  // A session that ends takes nothing away of what was begun on a page: it stays behind the login.
  const me =
    who.state === 'in'
      ? who.me
      : who.state === 'out' && !before.current?.must_change_password && !before.current?.second_factor
        ? before.current
        : null;
  return (
    <>
      {me ? (
        <div class={who.state === 'in' ? '' : 'behind'} inert={who.state !== 'in'} key={me.user}>
          <Frame me={me} />
          <ProofDialog />
        </div>
      ) : null}
      {who.state === 'out' ? (
        <div class={me ? 'over' : ''}>
          <div class="corner">
            <LanguageChoice />
          </div>
          <LoginPage expired={who.expired} />
        </div>
      ) : who.state === 'in' ? null : (
        <main class="login" id="content">
          <p class="panel" role="status" data-testid={who.state === 'offline' ? 'offline' : 'starting'}>
            {who.state === 'offline' ? t.offline : t.loading}
          </p>
        </main>
      )}
    </>
  );
}

/** Whose password was made for them sets another: the server refuses all else. */
function FirstPassword({ me }: { me: Me }) {
  const { t } = useWords();
  return (
    <>
      <div class="corner">
        <LanguageChoice />
      </div>
      <main class="login" id="content">
        <section class="panel" data-testid="first-password">
          <h1>{t.admin.firstPassword}</h1>
          <p>{fill(t.admin.firstPasswordWhy, { user: me.user })}</p>
          <PasswordForm user={me.user} own onDone={() => void refreshSession()} />
          <button type="button" class="small" data-testid="logout" onClick={() => void logout()}>
            {t.nav.logout}
          </button>
        </section>
      </main>
    </>
  );
}
