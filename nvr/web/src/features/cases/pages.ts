import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'cases',
    path: '/cases',
    needs: 'request',
    title: (t) => t.nav.cases,
    load: async () => (await import('./cases-page')).CasesPage,
    nav: { group: 'evidence', order: 10, sign: 'cases' },
    phone: 'cases',
  },
  {
    name: 'case',
    path: '/cases/:id',
    needs: 'request',
    title: (t) => t.cases.case,
    load: async () => (await import('./case-page')).CasePage,
    under: 'cases',
    phone: 'cases',
  },
  {
    name: 'exports',
    path: '/exports',
    needs: 'export',
    title: (t) => t.nav.exports,
    load: async () => (await import('./exports-page')).ExportsPage,
    nav: { group: 'evidence', order: 20, sign: 'exports' },
    phone: 'cases',
  },
];

export default pages;
