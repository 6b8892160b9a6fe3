import type { PageDef } from '../../page-def';

const pages: PageDef[] = [
  {
    name: 'marks',
    path: '/marks',
    needs: 'playback',
    title: (t) => t.marks.title,
    load: async () => (await import('./marks-page')).MarksPage,
    nav: { group: 'find', order: 30, sign: 'info' },
  },
];

export default pages;
