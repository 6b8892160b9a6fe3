import type { PageDef } from '../../page-def';

export const PAGES: PageDef[] = [
  {
    name: 'map',
    path: '/map',
    needs: 'status',
    title: (t) => t.map.title,
    load: async () => (await import('./map-page')).MapPage,
    nav: { group: 'watch', order: 20, sign: 'map' },
    phone: 'watch',
    full: true,
  },
];
