import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'orders',
    path: '/orders',
    needs: 'status',
    title: (t) => t.nav.orders,
    load: async () => (await import('./orders-page')).OrdersPage,
    nav: { group: 'decisions', order: 10, sign: 'orders' },
  },
];

export default pages;
