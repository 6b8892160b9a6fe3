// The frame of every page: who is logged in, where one can go, which language is spoken.

import { useEffect } from 'preact/hooks';
import { BASE } from './shared/api/base';
import { CameraPage } from './features/camera/camera-page';
import { fill, LANGS, setLang, useWords, wordsOf } from './shared/i18n';
import { AccountPage } from './features/people/account-page';
import { AdminCamerasPage } from './features/cameras/admin-cameras-page';
import { AlertsPage, useOpenAlerts } from './features/alerts/alerts-page';
import { AuditLogPage } from './features/people/audit-page';
import { CamerasPage } from './features/cameras/cameras-page';
import { CasesPage } from './features/cases/cases-page';
import { DevicesPage } from './features/devices/devices-page';
import { ExportsPage } from './features/cases/exports-page';
import { GapsPage } from './features/gaps/gaps-page';
import { NetworkPage } from './features/network/network-page';
import { OrdersPage } from './features/orders/orders-page';
import { PasswordForm } from './features/people/password-form';
import { GrantsPage } from './features/people/grants-page';
import { LoginPage } from './features/people/login-page';
import { TokensPage } from './features/people/tokens-page';
import { UsersPage } from './features/people/users-page';
import { href, route, type Page, type Route } from './router';
import { logout, may, refreshSession, session } from './session';
import type { AccessAction, Me } from './shared/api/schema';
import { valueOf } from './shared/ui/field';
import { useStore } from './shared/store';

// What a page is for; null: for whoever is logged in.
const NEEDED: Record<Page, AccessAction | null> = {
  cameras: null,
  camera: null,
  account: null,
  alerts: 'status',
  gaps: 'report',
  network: 'report',
  orders: 'status',
  cases: 'request',
  exports: 'export',
  'admin-cameras': 'edit_cameras',
  devices: 'edit_cameras',
  users: 'people',
  tokens: 'people',
  grants: 'people',
  audit: 'audit',
};

function isFor(me: Me, page: Page): boolean {
  const needed = NEEDED[page];
  return needed === null || may(me, needed);
}

export function App() {
  const { t } = useWords();
  const who = useStore(session);
  const where = useStore(route);
  useEffect(() => {
    if (who.state !== 'offline') return;
    const timer = setInterval(() => void refreshSession(), 4000);
    return () => clearInterval(timer);
  }, [who.state]);

  if (who.state === 'in' && who.me.must_change_password) return <FirstPassword me={who.me} />;
  if (who.state === 'in') return <Frame me={who.me} where={where} />;
  return (
    <>
      <div class="corner">
        <LanguageChoice />
      </div>
      {who.state === 'out' ? (
        <LoginPage expired={who.expired} />
      ) : (
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

function Frame({ me, where }: { me: Me; where: Route }) {
  const { t } = useWords();
  const links: Array<[Exclude<Page, 'camera'>, string]> = [
    ['cameras', t.nav.cameras],
    ['alerts', t.nav.alerts],
    ['gaps', t.nav.gaps],
    ['network', t.nav.network],
    ['orders', t.nav.orders],
    ['cases', t.nav.cases],
    ['exports', t.nav.exports],
    ['admin-cameras', t.nav.adminCameras],
    ['devices', t.nav.devices],
    ['users', t.nav.users],
    ['tokens', t.nav.tokens],
    ['grants', t.nav.grants],
    ['audit', t.nav.audit],
  ];
  const openAlerts = useOpenAlerts();
  const key = `${where.page} ${where.id} ${where.params.toString()}`;
  useEffect(() => {
    if (where.page === 'cameras') document.title = `${t.cameras.title} – nvr`;
    // On a phone the menu is wider than the screen.
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [where.page, t]);
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault(); // the part after '#' is the route
          document.getElementById('content')?.focus();
        }}
      >
        {t.skipToContent}
      </a>
      <header class="top">
        <a class="brand" href={href('cameras')}>
          <img src={`${BASE}/favicon.svg`} alt="" width="24" height="24" /> nvr
        </a>
        <nav aria-label={t.nav.main}>
          <ul>
            {links
              .filter(([page]) => isFor(me, page))
              .map(([page, name]) => (
                <li key={page}>
                  <a
                    href={href(page)}
                    data-testid={`nav-${page}`}
                    aria-current={
                      where.page === page || (page === 'cameras' && where.page === 'camera') ? 'page' : undefined
                    }
                  >
                    {name}
                    {page === 'alerts' && openAlerts > 0 ? (
                      <span class="count" data-testid="alert-count">
                        {openAlerts}
                      </span>
                    ) : null}
                  </a>
                </li>
              ))}
          </ul>
        </nav>
        <div class="top-end">
          <LanguageChoice />
          <a
            href={href('account')}
            class="who"
            data-testid="nav-account"
            aria-label={`${t.nav.account} (${me.user})`}
            aria-current={where.page === 'account' ? 'page' : undefined}
          >
            {me.user}
          </a>
          <button type="button" class="small" data-testid="logout" onClick={() => void logout()}>
            {t.nav.logout}
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1} class={`page page-${where.page}`}>
        {isFor(me, where.page) ? (
          <Content key={key} me={me} where={where} />
        ) : (
          <p class="panel error" role="alert" data-testid="not-allowed">
            {t.notAllowed}
          </p>
        )}
      </main>
    </>
  );
}

function Content({ me, where }: { me: Me; where: Route }) {
  switch (where.page) {
    case 'cameras':
      return <CamerasPage me={me} />;
    case 'camera':
      return <CameraPage id={where.id} params={where.params} me={me} />;
    case 'gaps':
      return <GapsPage me={me} />;
    case 'network':
      return <NetworkPage me={me} />;
    case 'orders':
      return <OrdersPage me={me} />;
    case 'cases':
      return <CasesPage me={me} />;
    case 'exports':
      return <ExportsPage me={me} />;
    case 'admin-cameras':
      return <AdminCamerasPage />;
    case 'devices':
      return <DevicesPage />;
    case 'users':
      return <UsersPage me={me} />;
    case 'grants':
      return <GrantsPage me={me} />;
    case 'tokens':
      return <TokensPage me={me} />;
    case 'alerts':
      return <AlertsPage me={me} />;
    case 'audit':
      return <AuditLogPage me={me} />;
    case 'account':
      return <AccountPage me={me} />;
  }
}

export function LanguageChoice() {
  const { t, lang } = useWords();
  return (
    <label class="language">
      <span class="visually-hidden">{t.language}</span>
      <select data-testid="language" value={lang} onChange={(event) => setLang(valueOf(event))}>
        {LANGS.map((name) => (
          <option key={name} value={name} lang={name}>
            {wordsOf(name).name}
          </option>
        ))}
      </select>
    </label>
  );
}
