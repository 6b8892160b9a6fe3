import type { PageDef } from '../../page-def';

const PAGES: PageDef[] = [
  {
    name: 'find',
    path: '/find',
    needs: 'playback',
    title: (t) => t.find.title,
    load: async () => (await import('./find-page')).FindPage,
    nav: { group: 'find', order: 10, sign: 'find' },
    phone: 'find',
    // Who plays back and sets nothing up begins here: an investigator.
    home: (me) => (me.actions.includes('request') && !me.actions.includes('edit_cameras') ? 5 : 0),
  },
  {
    name: 'playback',
    path: '/playback',
    needs: 'playback',
    title: (t) => t.playback.title,
    load: async () => (await import('./playback-page')).PlaybackPage,
    nav: { group: 'find', order: 20, sign: 'playback' },
    phone: 'find',
    dark: true,
    full: true,
    remount: true,
  },
];
export default PAGES;
