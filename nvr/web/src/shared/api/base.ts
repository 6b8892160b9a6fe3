// Under which path the page is: a proxy may show it as https://example.org/nvr/. The page is at '/', '/public' or
// '/embed' of that.

/** '' or '/nvr'. */
export function baseOf(pathname: string): string {
  return pathname.replace(/[^/]*$/, '').replace(/\/$/, '');
}

export const BASE = typeof location === 'undefined' ? '' : baseOf(location.pathname);
export const API = `${BASE}/api`;
