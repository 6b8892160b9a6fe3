import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'help',
    path: '/help',
    needs: null,
    title: (t) => t.nav.help,
    load: async () => (await import('./help-page')).HelpPage,
    nav: { group: 'setup', order: 90, sign: 'info' },
  },
  {
    name: 'help-page',
    path: '/help/:id',
    needs: null,
    title: (t) => t.nav.help,
    load: async () => (await import('./help-page')).HelpPage,
    under: 'help',
  },
];

export default pages;
