// The guides, as they were built into the page (packaging/make_help.py): loaded when help is opened first.

import { BASE } from '../../shared/api/base';

export interface HelpText {
  name: string;
  lang: string;
  title: string;
  html: string;
}

export interface HelpFound {
  page: HelpText;
  /** The heading under which the words stand, '' before the first. */
  at: string;
  heading: string;
}

const MOST_FOUND = 40;
let loading: Promise<HelpText[]> | null = null;

/** Rejects if the page was built without it, or the server is away. */
export function loadHelp(): Promise<HelpText[]> {
  loading ??= fetch(`${BASE}/help.json`)
    .then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json() as Promise<{ pages: HelpText[] }>;
    })
    .then(({ pages }) => pages)
    .catch((error: unknown) => {
      loading = null; // asked again when it is opened again
      throw error;
    });
  return loading;
}

/** The book of a language; English has one. */
export function bookOf(pages: readonly HelpText[], lang: string): HelpText | undefined {
  return pages.find((page) => page.lang === lang && /book|buku/.test(page.name)) ?? pages[0];
}

const textOf = (html: string): string =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim();

/** Where all of these words stand, under which heading; those of `lang` first. */
export function searchHelp(pages: readonly HelpText[], words: string, lang: string): HelpFound[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [];
  const found: HelpFound[] = [];
  for (const page of [...pages].sort((a, b) => Number(b.lang === lang) - Number(a.lang === lang))) {
    for (const part of page.html.split(/(?=<h[1-6] )/)) {
      const text = textOf(part).toLowerCase();
      if (!wanted.every((word) => text.includes(word))) continue;
      const head = /^<h[1-6] id="([^"]*)">(.*?)<\/h/s.exec(part);
      found.push({ page, at: head?.[1] ?? '', heading: head ? textOf(head[2]!) : page.title });
      if (found.length >= MOST_FOUND) return found;
    }
  }
  return found;
}
