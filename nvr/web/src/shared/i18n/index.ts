// Which language is spoken, and a hook that gives its words. The choice is remembered on this device.

import { createStore, useStore } from '../store';
import type catalogue from '../../../../texts/languages/en.json';

type Catalogue = typeof catalogue;
/** The page's own texts, and those that it shares with reports. `{name}` in one is filled in by `fill`. */
export type Words = Catalogue['page'] & Pick<Catalogue, 'name' | 'locale' | 'units' | 'causes' | 'classes' | 'details'>;
/** The name of a file of nvr/texts/languages: a language is one file there. */
export type Lang = string;

const files = import.meta.glob<Words>('../../../../texts/languages/*.json', { eager: true, import: 'default' });
const nameOf = (path: string) => path.replace(/^.*\/|\.json$/g, '');
const english = Object.entries(files).find(([path]) => nameOf(path) === 'en')![1];

/** `own` where it has a text, else `base`. */
export function over<T extends object>(base: T, own: object): T {
  const mine = own as Partial<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(base).map(([name, text]: [string, unknown]) => {
      const isTable = typeof text === 'object' && text !== null && !Array.isArray(text);
      return [name, isTable ? over(text, mine[name] ?? {}) : (mine[name] ?? text)];
    }),
  ) as T;
}

export const dictionaries: Record<Lang, Words> = Object.fromEntries(
  Object.entries(files).map(([path, own]) => [nameOf(path), over(english, own)]),
);
export const LANGS: readonly Lang[] = Object.keys(dictionaries);

/** The words of a language, of one that is not here English. */
export function wordsOf(lang: Lang): Words {
  return dictionaries[lang] ?? english;
}

/** The text with its `{name}`s filled in; `{n:camera|cameras}` is the form that goes with the number. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)(?::([^{}|]*)\|([^{}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = String(values[name] ?? whole);
    return one === undefined ? value : value === '1' ? one : other!;
  });
}

/** The word for one of the server's names; a newer server may have names that are not here. */
export function named(table: object, name: string): string | undefined {
  return (table as Partial<Record<string, string>>)[name];
}

const KEY = 'nvr.lang';

/** `in` is what old Java-based browsers still call Indonesian. */
export function preferred(saved: string | null, languages: readonly string[]): Lang {
  if (saved !== null && LANGS.includes(saved)) return saved;
  for (const tag of languages) {
    const primary = tag.toLowerCase().split('-')[0]!.replace(/^in$/, 'id');
    if (LANGS.includes(primary)) return primary;
  }
  return 'en';
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage can be forbidden; the page works without it
  }
}

const lang = createStore<Lang>(
  typeof navigator === 'undefined' ? 'en' : preferred(stored(), navigator.languages ?? [navigator.language]),
);

export function setLang(next: Lang): void {
  lang.set(next);
  document.documentElement.lang = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // as above
  }
}

export function startLanguage(): void {
  document.documentElement.lang = lang.get();
}

/** The language that the page speaks now. */
export const spoken = (): Lang => lang.get();

export function useWords(): { t: Words; lang: Lang } {
  const current = useStore(lang);
  return { t: wordsOf(current), lang: current };
}
