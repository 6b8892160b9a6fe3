// What a page takes of a catalogue of words (nvr/texts/languages, a file a language): of its own texts all or some
// sections, and those that it shares with reports. The others would be a third of the page's weight.

import type { Plugin } from 'vite';

const SHARED = ['name', 'locale', 'units', 'causes', 'classes', 'details'];

export function words(shared: readonly string[] = SHARED, sections: readonly string[] | null = null): Plugin {
  return {
    name: 'words',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/texts\/languages\/\w+\.json$/.test(id)) return null;
      const all = JSON.parse(code) as Record<string, unknown>;
      const page = all['page'] as Record<string, unknown>;
      const taken = (table: Record<string, unknown>, names: readonly string[]) =>
        Object.fromEntries(names.filter((name) => name in table).map((name) => [name, table[name]]));
      return {
        code: JSON.stringify({ ...taken(all, shared), ...taken(page, sections ?? Object.keys(page)) }),
        map: null,
      };
    },
  };
}
