// Which language is spoken, and a hook that gives its words. The choice is remembered on this device.

import { createStore, useStore } from '../store';
import en, { type Words } from './en';
import id from './id';

export type { Words };
export type Lang = 'en' | 'id';
export const LANGS: readonly Lang[] = ['id', 'en'];

export const dictionaries: Record<Lang, Words> = { en, id };

const KEY = 'nvr.lang';

/** `in` is what old Java-based browsers still call Indonesian. */
export function preferred(saved: string | null, languages: readonly string[]): Lang {
  if (saved === 'en' || saved === 'id') return saved;
  for (const tag of languages) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'id' || primary === 'in') return 'id';
    if (primary === 'en') return 'en';
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

export function useWords(): { t: Words; lang: Lang } {
  const current = useStore(lang);
  return { t: dictionaries[current], lang: current };
}
