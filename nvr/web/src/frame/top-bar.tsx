// The bar on top: what is open, what the page puts there, the search of everything, the server's time, the account.

import { createPortal } from 'preact/compat';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PageDef } from '../page-def';
import { href, route } from '../router';
import { logout, serverNow } from '../session';
import type { Me } from '../shared/api/schema';
import { fill, useWords } from '../shared/i18n';
import { setTheme, THEMES, themeChoice } from '../shared/theme';
import { createStore, useStore } from '../shared/store';
import * as format from '../shared/time/format';
import { LanguageChoice } from '../shared/ui/language';
import { Sign } from '../shared/ui/signs';

const slot = createStore<HTMLElement | null>(null);

/** What a page puts into the bar on top, beside its title. */
export function TopSlot({ children }: { children: ComponentChildren }) {
  const place = useStore(slot);
  return place ? createPortal(<>{children}</>, place) : null;
}

export function TopBar({ me, page, onSearch }: { me: Me; page: PageDef | undefined; onSearch: () => void }) {
  const { t } = useWords();
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    slot.set(place.current);
    return () => slot.set(null);
  }, []);
  const title = page?.title(t) ?? '';
  return (
    <header class="top">
      {page?.full ? <h1 class="title">{title}</h1> : <span class="title">{title}</span>}
      <span ref={place} class="top-slot" />
      <button
        type="button"
        class="find"
        data-testid="find"
        aria-label={`${t.frame.search}: ${t.frame.searchHint} Ctrl K`}
        aria-keyshortcuts="Control+K"
        onClick={onSearch}
      >
        <Sign name="find" />
        <span>{t.frame.searchHint}</span> <kbd>Ctrl K</kbd>
      </button>
      <Clock zone={me.zone} />
      <AccountMenu me={me} />
    </header>
  );
}

function Clock({ zone }: { zone: string }) {
  const { lang } = useWords();
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span class="clock no-phone" title={format.utc(now)}>
      {format.date(now, lang, zone)} <b>{format.clock(now, lang, zone)}</b> {format.zoneName(now, lang, zone)}
    </span>
  );
}

function AccountMenu({ me }: { me: Me }) {
  const { t } = useWords();
  const ref = useRef<HTMLDetailsElement>(null);
  const where = useStore(route);
  const choice = useStore(themeChoice);
  const close = (): void => {
    if (ref.current) ref.current.open = false;
  };
  useEffect(close, [where.page]);
  useEffect(() => {
    const elsewhere = (event: Event): void => {
      if (ref.current?.open && !ref.current.contains(event.target as Node)) close();
    };
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || !ref.current?.open) return;
      close();
      ref.current.querySelector('summary')?.focus();
    };
    addEventListener('pointerdown', elsewhere);
    addEventListener('keydown', escape);
    return () => {
      removeEventListener('pointerdown', elsewhere);
      removeEventListener('keydown', escape);
    };
  }, []);
  const words = { light: t.frame.light, dark: t.frame.dark, system: t.frame.system };
  return (
    <details class="account" ref={ref}>
      <summary
        class="ib"
        data-testid="account-menu"
        aria-label={fill(t.frame.account, { user: me.user })}
        title={me.user}
      >
        <Sign name="user" />
      </summary>
      <div class="menu">
        <div>
          <strong>{me.user}</strong> <span class="muted">{t.roles[me.role]}</span>
        </div>
        <LanguageChoice />
        <div class="seg" role="group" aria-label={t.frame.theme}>
          {THEMES.map((name) => (
            <button
              key={name}
              type="button"
              data-testid={`theme-${name}`}
              aria-pressed={choice === name}
              onClick={() => setTheme(name)}
            >
              {words[name]}
            </button>
          ))}
        </div>
        <a class="btn quiet" href={href('account')} data-testid="nav-account" onClick={close}>
          <Sign name="user" /> {t.nav.account}
        </a>
        <button type="button" class="btn quiet" data-testid="logout" onClick={() => void logout()}>
          <Sign name="exports" /> {t.nav.logout}
        </button>
      </div>
    </details>
  );
}
