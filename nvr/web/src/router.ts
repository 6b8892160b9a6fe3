// Where the user is, as the part of the address after '#': the server then needs to know one page only. What a page
// shows (filters, tab, range) stands in the query, so that an address can be shared and going back works.

import { PAGES } from './pages';
import { createStore } from './shared/store';

export interface Route {
  /** The name of a page; '' for the first page of whoever is logged in. */
  page: string;
  /** The id of what the page shows, where its path has one, else ''. */
  id: string;
  params: URLSearchParams;
}

const patterns = PAGES.map(({ name, path }) => ({
  name,
  pattern: new RegExp(`^${path.replace(/:id/g, '([^/]+)')}$`),
}));

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const params = new URLSearchParams(query);
  for (const { name, pattern } of patterns) {
    const match = pattern.exec(path);
    if (!match) continue;
    try {
      return { page: name, id: decodeURIComponent(match[1] ?? ''), params };
    } catch {
      break; // a broken escape in a hand-typed address
    }
  }
  return { page: '', id: '', params };
}

/** The query as it is read best in an address bar: nothing is escaped that needs not be. */
export function queryOf(params: URLSearchParams): string {
  const text = params.toString().replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%3D/g, '=').replace(/%2F/g, '/');
  return text ? `?${text}` : '';
}

function withQuery(path: string, params: Record<string, string | null | undefined>): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `#${path}${queryOf(new URLSearchParams(given))}`;
}

/** The address of a page without an id. An unknown page leads to the first one. */
export function href(page: string, params: Record<string, string | null | undefined> = {}): string {
  return withQuery(PAGES.find(({ name }) => name === page)?.path ?? '/', params);
}

/** The address of the page of one object, such as `objectHref('case', id)`. */
export function objectHref(page: string, id: string, params: Record<string, string | null | undefined> = {}): string {
  const path = PAGES.find(({ name }) => name === page)?.path ?? '/';
  return withQuery(path.replace(':id', encodeURIComponent(id)), params);
}

export function cameraHref(id: string, params: Record<string, string> = {}): string {
  return objectHref('camera', id, params);
}

/** The address as it was read last, or as it says what is shown. */
let known = typeof location === 'undefined' ? '' : location.hash;

export const route = createStore<Route>(parseRoute(typeof location === 'undefined' ? '' : location.hash));
/** Goes up with each address that was followed, not with those that only say what is shown. */
export const visits = createStore(0);

export function startRouter(): void {
  addEventListener('hashchange', () => {
    known = location.hash;
    route.set(parseRoute(location.hash));
    visits.set(visits.get() + 1);
  });
}

export function goTo(hash: string): void {
  location.hash = hash;
}

/** Keeps the address shareable without filling the history with every seek. */
export function replaceAddress(hash: string): void {
  history.replaceState(null, '', hash);
  known = location.hash;
}

/** Says in the address what the page shows now: null or '' removes a name. The page is told by its `params`. An address
 *  that was followed and is read in a moment stays as it is: it is another page's, or asks this one for something
 *  else. */
export function setQuery(changes: Record<string, string | null>): void {
  if (location.hash !== known) return;
  const { page, id, params } = route.get();
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const [path = ''] = location.hash.split('?', 1);
  replaceAddress(`${path || '#/'}${queryOf(next)}`);
  route.set({ page, id, params: next });
}
