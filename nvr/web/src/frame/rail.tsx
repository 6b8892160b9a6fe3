// The rail: where one can go, by what one wants to do there.

import { BASE } from '../shared/api/base';
import { NAV_GROUPS, type PageDef } from '../page-def';
import { isFor, PAGES } from '../pages';
import { href } from '../router';
import type { Me } from '../shared/api/schema';
import { useWords } from '../shared/i18n';
import { Sign } from '../shared/ui/signs';

export function Rail({
  me,
  current,
  open,
  onWiden,
}: {
  me: Me;
  current: PageDef | undefined;
  open: boolean;
  onWiden: () => void;
}) {
  const { t } = useWords();
  const f = t.frame;
  const groups = NAV_GROUPS.map((group) => ({
    group,
    pages: PAGES.filter((page) => page.nav?.group === group && isFor(me, page)).sort(
      (a, b) => a.nav!.order - b.nav!.order,
    ),
  })).filter(({ pages }) => pages.length > 0);
  return (
    <aside class="rail">
      <a class="brand" href="#/" aria-label="nvr" data-testid="home">
        <img src={`${BASE}/favicon.svg`} alt="" width="24" height="24" /> <span>nvr</span>
      </a>
      <nav aria-label={t.nav.main}>
        <ul>
          {groups.map(({ group, pages }) => (
            <li key={group}>
              <div class="grp">{f.groups[group]}</div>
              <ul>
                {pages.map((page) => (
                  <li key={page.name}>
                    <RailLink page={page} current={page.name === (current?.under ?? current?.name)} />
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      </nav>
      <button
        type="button"
        class="widen"
        data-testid="widen-rail"
        aria-label={open ? f.narrow : f.widen}
        title={open ? f.narrow : f.widen}
        aria-pressed={undefined}
        onClick={onWiden}
      >
        <Sign name="right" />
      </button>
    </aside>
  );
}

function RailLink({ page, current }: { page: PageDef; current: boolean }) {
  const { t } = useWords();
  const name = page.title(t);
  const useCount = page.nav?.useCount;
  return (
    <a
      href={href(page.name)}
      title={name}
      aria-label={name}
      data-testid={`nav-${page.name}`}
      {...(current ? { 'aria-current': 'page' } : {})}
    >
      <Sign name={page.nav!.sign} />
      <span>{name}</span>
      {useCount ? <Count use={useCount} name={page.name} /> : null}
    </a>
  );
}

/** A component of its own: what counts is a hook. */
export function Count({ use, name }: { use: () => number; name: string }) {
  const count = use();
  return count > 0 ? <b data-testid={`${name === 'alerts' ? 'alert' : name}-count`}>{count}</b> : null;
}
