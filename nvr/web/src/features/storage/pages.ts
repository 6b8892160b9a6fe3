import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'storage',
    path: '/storage',
    needs: 'retention',
    title: (t) => t.storage.title,
    load: async () => (await import('./storage-page')).StoragePage,
    nav: { group: 'decisions', order: 20, sign: 'storage' },
  },
  {
    name: 'holds',
    path: '/holds',
    needs: 'hold',
    title: (t) => t.storage.holds.title,
    load: async () => (await import('./holds-page')).HoldsPage,
    nav: { group: 'evidence', order: 30, sign: 'holds' },
    phone: 'cases',
  },
];

export default pages;
