import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'wall',
    path: '/wall',
    needs: 'live',
    title: (t) => t.wall.title,
    load: async () => (await import('./wall-page')).WallPage,
    nav: { group: 'watch', order: 10, sign: 'wall' },
    phone: 'watch',
    dark: true,
    full: true,
    // An operator's seat.
    home: (me) => (me.actions.includes('request') ? 3 : 10),
  },
];

export default pages;
