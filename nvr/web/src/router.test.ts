import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

async function routerAt(hash: string) {
  const place = { hash, pathname: '/' };
  let onHash = (): void => undefined;
  vi.stubGlobal('location', place);
  vi.stubGlobal('history', { replaceState: (_: unknown, __: string, next: string) => (place.hash = next) });
  vi.stubGlobal('addEventListener', (name: string, listener: () => void) => {
    if (name === 'hashchange') onHash = listener;
  });
  vi.resetModules();
  const router = await import('./router');
  router.startRouter();
  return { router, place, read: () => onHash() };
}

test('what a page shows stands in its address', async () => {
  const { router, place } = await routerAt('#/find');
  router.setQuery({ where: 'pandanaran', at: null });
  expect(place.hash).toBe('#/find?where=pandanaran');
  router.setQuery({ where: null, around: '5' });
  expect(place.hash).toBe('#/find?around=5');
  expect(router.route.get().params.get('around')).toBe('5');
});

test('a link that was followed is not overwritten before it is read', async () => {
  const { router, place, read } = await routerAt('#/find?where=pandanaran');
  router.goTo('#/playback?cameras=a,b,c,d');
  router.setQuery({ where: 'pandanaran', at: '2026-11-29T07:05:00Z' });
  expect(place.hash).toBe('#/playback?cameras=a,b,c,d');
  read();
  expect(router.route.get().page).toBe('playback');
  expect(router.route.get().params.get('cameras')).toBe('a,b,c,d');
  router.setQuery({ view: 'one' });
  expect(place.hash).toBe('#/playback?cameras=a,b,c,d&view=one');
});
