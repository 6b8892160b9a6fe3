import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'network',
    path: '/network',
    needs: 'report',
    title: (t) => t.nav.network,
    load: async () => (await import('./network-page')).NetworkPage,
    nav: { group: 'health', order: 40, sign: 'network' },
  },
];

export default pages;
