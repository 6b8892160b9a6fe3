// The bar at the foot of a phone: the four places that are needed on the way, and all others.

import { useEffect, useRef, useState } from 'preact/hooks';
import { NAV_GROUPS, type PageDef } from '../page-def';
import { isFor, PAGES } from '../pages';
import { href } from '../router';
import type { Me } from '../shared/api/schema';
import { useWords } from '../shared/i18n';
import { Dialog } from '../shared/ui/dialog';
import { Sign, type SignName } from '../shared/ui/signs';
import { Count } from './rail';

const PLACES: ReadonlyArray<{ place: NonNullable<PageDef['phone']>; sign: SignName }> = [
  { place: 'watch', sign: 'wall' },
  { place: 'find', sign: 'find' },
  { place: 'cases', sign: 'cases' },
  { place: 'alerts', sign: 'alerts' },
];

export function PhoneBar({ me, current }: { me: Me; current: PageDef | undefined }) {
  const { t } = useWords();
  const f = t.frame;
  const [more, setMore] = useState(false);
  const shown = useRef(current?.name);
  useEffect(() => {
    if (shown.current !== current?.name) setMore(false);
    shown.current = current?.name;
  }, [current]);
  const words = { watch: f.watch, find: f.find, cases: t.nav.cases, alerts: t.nav.alerts };
  const mine = PAGES.filter((page) => page.nav && isFor(me, page)).sort((a, b) => rank(a) - rank(b));
  return (
    <nav class="tabbar" aria-label={f.phone}>
      {PLACES.map(({ place, sign }) => {
        const first = mine.find((page) => page.phone === place);
        if (!first) return null;
        return (
          <a
            key={place}
            href={href(first.name)}
            data-testid={`tab-${place}`}
            {...(current?.phone === place ? { 'aria-current': 'page' } : {})}
          >
            <Sign name={sign} />
            {words[place]}
            {first.nav?.useCount ? <Count use={first.nav.useCount} name={`tab-${place}`} /> : null}
          </a>
        );
      })}
      <a
        href="#/"
        data-testid="tab-more"
        onClick={(event) => {
          event.preventDefault();
          setMore(true);
        }}
      >
        <Sign name="more" />
        {f.more}
      </a>
      {more ? (
        <Dialog title={f.more} testid="more" onClose={() => setMore(false)}>
          <ul class="more-pages">
            {mine.map((page) => (
              <li key={page.name}>
                <a href={href(page.name)} onClick={() => setMore(false)}>
                  <Sign name={page.nav!.sign} /> {page.title(t)}
                </a>
              </li>
            ))}
          </ul>
        </Dialog>
      ) : null}
    </nav>
  );
}

function rank(page: PageDef): number {
  return NAV_GROUPS.indexOf(page.nav!.group) * 1000 + page.nav!.order;
}
