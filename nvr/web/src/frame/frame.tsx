// What is around every page: the rail, the bar on top, the phone's bar, the palette, what was done just now.

import { useEffect, useState } from 'preact/hooks';
import { homeOf, isFor, pageOf } from '../pages';
import { href, parseRoute, route, visits } from '../router';
import { setWatching } from '../shared/theme';
import { useWords } from '../shared/i18n';
import type { Me } from '../shared/api/schema';
import { useStore } from '../shared/store';
import { Toasts } from '../shared/ui/toast';
import { OpenPage } from './open-page';
import { Keys, SearchPalette, usePalette } from './palette';
import { PhoneBar } from './phone-bar';
import { Rail } from './rail';
import { TopBar } from './top-bar';

const OPEN_KEY = 'nvr.rail';

function wasOpen(): boolean {
  try {
    return (localStorage.getItem(OPEN_KEY) ?? (innerWidth >= 1700 ? 'open' : '')) === 'open';
  } catch {
    return false;
  }
}

export function Frame({ me }: { me: Me }) {
  const { t } = useWords();
  const where = useStore(route);
  const visit = useStore(visits);
  const [open, setOpen] = useState(wasOpen);
  const palette = usePalette();
  const page = pageOf(where.page) ?? homeOf(me);

  useEffect(() => {
    // The first page has an address too: going back from another one leads to it. Not over one that was followed just now.
    if (!pageOf(where.page) && page && !pageOf(parseRoute(location.hash).page)) location.replace(href(page.name));
  }, [where.page, page]);
  useEffect(() => {
    setWatching(page?.dark === true);
    return () => setWatching(false);
  }, [page]);
  useEffect(() => {
    // A page of one object says which.
    if (page && !page.under) document.title = `${page.title(t)} – nvr`;
  }, [page, t]);

  const widen = (): void => {
    setOpen(!open);
    try {
      localStorage.setItem(OPEN_KEY, open ? '' : 'open');
    } catch {
      // storage can be forbidden
    }
  };
  const key = `${where.page} ${where.id} ${page?.remount ? visit : ''}`;
  return (
    <div class={`app${open ? ' open' : ''}`}>
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
      <Rail me={me} current={page} open={open} onWiden={widen} />
      <TopBar me={me} page={page} onSearch={palette.open} />
      <main id="content" tabIndex={-1} class={page?.full ? 'fixed' : ''}>
        <div class={page?.full ? 'page-full' : `page page-${where.page}`}>
          {page && isFor(me, page) ? (
            <OpenPage key={key} page={page} me={me} where={where} />
          ) : (
            <p class="panel error" role="alert" data-testid="not-allowed">
              {t.notAllowed}
            </p>
          )}
        </div>
      </main>
      <PhoneBar me={me} current={page} />
      <Toasts />
      {palette.isOpen === 'palette' ? <SearchPalette me={me} onClose={palette.close} /> : null}
      {palette.isOpen === 'keys' ? <Keys onClose={palette.close} /> : null}
    </div>
  );
}
