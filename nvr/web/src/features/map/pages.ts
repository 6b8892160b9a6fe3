import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
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

export default pages;
