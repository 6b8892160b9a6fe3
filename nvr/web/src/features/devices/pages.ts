import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'devices',
    path: '/admin/devices',
    needs: 'edit_cameras',
    title: (t) => t.nav.devices,
    load: async () => (await import('./devices-page')).DevicesPage,
    nav: { group: 'setup', order: 20, sign: 'devices' },
  },
];

export default pages;
