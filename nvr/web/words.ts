// What the page takes of a catalogue of words (nvr/texts/languages, a file a language): its own texts, and those that it
// shares with reports. The others would be a third of the page's weight.

import type { Plugin } from 'vite';

const SHARED = ['name', 'locale', 'units', 'causes', 'classes', 'details'];

export function words(): Plugin {
  return {
    name: 'words',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/texts\/languages\/\w+\.json$/.test(id)) return null;
      const all = JSON.parse(code) as Record<string, unknown>;
      const shared = Object.fromEntries(SHARED.filter((name) => name in all).map((name) => [name, all[name]]));
      return { code: JSON.stringify({ ...shared, ...(all['page'] as object | undefined) }), map: null };
    },
  };
}
