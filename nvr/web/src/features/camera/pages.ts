import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'camera',
    path: '/cameras/:id',
    needs: null,
    title: (t) => t.nav.cameras,
    load: async () => (await import('./camera-page')).CameraPage,
    under: 'cameras',
    phone: 'watch',
    remount: true,
  },
];

export default pages;
