// Where the user is, as the part of the address after '#': the server then needs to know one page only.

import { createStore } from './shared/store';

export type Page =
  | 'cameras'
  | 'camera'
  | 'alerts'
  | 'gaps'
  | 'network'
  | 'orders'
  | 'cases'
  | 'exports'
  | 'admin-cameras'
  | 'devices'
  | 'users'
  | 'tokens'
  | 'grants'
  | 'audit'
  | 'account';

export interface Route {
  page: Page;
  /** The camera's id on the camera page, else ''. */
  id: string;
  params: URLSearchParams;
}

const PATHS: Record<Exclude<Page, 'camera'>, string> = {
  cameras: '/',
  alerts: '/alerts',
  gaps: '/gaps',
  network: '/network',
  orders: '/orders',
  cases: '/cases',
  exports: '/exports',
  'admin-cameras': '/admin/cameras',
  devices: '/admin/devices',
  users: '/admin/users',
  tokens: '/admin/tokens',
  grants: '/admin/grants',
  audit: '/admin/audit',
  account: '/account',
};

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const params = new URLSearchParams(query);
  const camera = /^\/cameras\/([^/]+)$/.exec(path)?.[1];
  if (camera) {
    try {
      return { page: 'camera', id: decodeURIComponent(camera), params };
    } catch {
      return { page: 'cameras', id: '', params }; // a broken escape in a hand-typed address
    }
  }
  const found = (Object.entries(PATHS) as Array<[Page, string]>).find(([, known]) => known === path);
  return { page: found ? found[0] : 'cameras', id: '', params };
}

export function href(page: Exclude<Page, 'camera'>): string {
  return `#${PATHS[page]}`;
}

export function cameraHref(id: string, params: Record<string, string> = {}): string {
  const query = new URLSearchParams(params).toString();
  return `#/cameras/${encodeURIComponent(id)}${query ? `?${query}` : ''}`;
}

export const route = createStore<Route>(parseRoute(typeof location === 'undefined' ? '' : location.hash));

export function startRouter(): void {
  addEventListener('hashchange', () => route.set(parseRoute(location.hash)));
}

/** Keeps the address shareable without filling the history with every seek. */
export function replaceAddress(hash: string): void {
  history.replaceState(null, '', hash);
}
