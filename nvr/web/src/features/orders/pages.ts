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
  {
    name: 'new-order',
    path: '/orders/new',
    needs: 'orders',
    title: (t) => t.orders.add.order,
    load: async () => (await import('./new-order-page')).NewOrderPage,
    under: 'orders',
    full: true,
  },
  {
    name: 'order',
    path: '/orders/:id',
    needs: 'status',
    title: (t) => t.orders.one,
    load: async () => (await import('./order-page')).OrderPage,
    under: 'orders',
  },
];

export default pages;
