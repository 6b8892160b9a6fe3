import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'gaps',
    path: '/gaps',
    needs: 'report',
    title: (t) => t.nav.gaps,
    load: async () => (await import('./gaps-page')).GapsPage,
    nav: { group: 'health', order: 30, sign: 'gaps' },
    phone: 'alerts',
    full: true,
  },
];

export default pages;
