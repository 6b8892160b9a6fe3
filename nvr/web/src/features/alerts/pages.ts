import type { PageDef } from '../../page-def';
import { useOpenAlerts } from './open-alerts';

const pages: PageDef[] = [
  {
    name: 'alerts',
    path: '/alerts',
    needs: 'status',
    title: (t) => t.nav.alerts,
    load: async () => (await import('./alerts-page')).AlertsPage,
    nav: { group: 'health', order: 20, sign: 'alerts', useCount: useOpenAlerts },
    phone: 'alerts',
    full: true,
  },
];

export default pages;
