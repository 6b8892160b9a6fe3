import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'cameras',
    path: '/cameras',
    needs: null,
    title: (t) => t.nav.cameras,
    load: async () => (await import('./cameras-page')).CamerasPage,
    nav: { group: 'watch', order: 30, sign: 'cameras' },
    phone: 'watch',
    full: true,
    home: () => 1,
  },
  {
    name: 'admin-cameras',
    path: '/admin/cameras',
    needs: 'edit_cameras',
    title: (t) => t.nav.adminCameras,
    load: async () => (await import('./admin-cameras-page')).AdminCamerasPage,
    nav: { group: 'setup', order: 10, sign: 'setup' },
  },
];

export default pages;
