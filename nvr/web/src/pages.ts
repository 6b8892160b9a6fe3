// Every page there is, gathered from the features. Invariant: names and paths are unique.

import type { PageDef } from './page-def';
import type { AccessAction, Me } from './shared/api/schema';

const found = import.meta.glob<PageDef[]>('./features/*/pages.ts', { eager: true, import: 'default' });

export const PAGES: readonly PageDef[] = Object.values(found).flat();

const byName = new Map(PAGES.map((page) => [page.name, page]));

export function pageOf(name: string): PageDef | undefined {
  return byName.get(name);
}

export function isFor(me: Me, page: PageDef): boolean {
  if (page.needs === null) return true;
  const needed: readonly AccessAction[] = typeof page.needs === 'string' ? [page.needs] : page.needs;
  return needed.some((action) => me.actions.includes(action));
}

/** What somebody sees first: an operator the wall, an investigator the search, an administrator the overview. */
export function homeOf(me: Me, pages: readonly PageDef[] = PAGES): PageDef | undefined {
  const fit = (page: PageDef): number => (isFor(me, page) ? (page.home?.(me) ?? 0) : 0);
  return [...pages].filter((page) => fit(page) > 0).sort((a, b) => fit(b) - fit(a))[0];
}
