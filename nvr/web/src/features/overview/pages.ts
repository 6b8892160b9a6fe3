import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'overview',
    path: '/overview',
    needs: 'report',
    title: (t) => t.overview.title,
    load: async () => (await import('./overview-page')).OverviewPage,
    nav: { group: 'health', order: 10, sign: 'overview' },
    phone: 'alerts',
    // An administrator answers for all of it.
    home: (me) => (me.actions.includes('system') ? 30 : 0),
  },
];

export default pages;
