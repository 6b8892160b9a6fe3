import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'users',
    path: '/admin/users',
    needs: 'people',
    title: (t) => t.nav.users,
    load: async () => (await import('./users-page')).UsersPage,
    nav: { group: 'setup', order: 40, sign: 'people' },
    full: true,
  },
  {
    name: 'grants',
    path: '/admin/grants',
    needs: 'people',
    title: (t) => t.nav.grants,
    load: async () => (await import('./grants-page')).GrantsPage,
    nav: { group: 'setup', order: 50, sign: 'key' },
  },
  {
    name: 'tokens',
    path: '/admin/tokens',
    needs: 'people',
    title: (t) => t.nav.tokens,
    load: async () => (await import('./tokens-page')).TokensPage,
    nav: { group: 'setup', order: 60, sign: 'link' },
  },
  {
    name: 'audit',
    path: '/admin/audit',
    needs: 'audit',
    title: (t) => t.nav.audit,
    load: async () => (await import('./audit-page')).AuditLogPage,
    nav: { group: 'setup', order: 70, sign: 'audit' },
  },
  {
    name: 'account',
    path: '/account',
    needs: null,
    title: (t) => t.nav.account,
    load: async () => (await import('./account-page')).AccountPage,
  },
];

export default pages;
