// The operator's book and the other guides, in the page itself: they are there where no internet is.

import { useEffect, useRef, useState } from 'preact/hooks';
import { objectHref } from '../../router';
import { useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { bookOf, loadHelp, searchHelp, type HelpText } from './book';
import './help.css';

export function HelpPage({ id, params }: PageProps) {
  const { t, lang } = useWords();
  const h = t.help;
  const [pages, setPages] = useState<HelpText[] | null>(null);
  const [failed, setFailed] = useState(false);
  const [words, setWords] = useState('');
  const text = useRef<HTMLElement>(null);
  const page = pages?.find(({ name }) => name === id) ?? (pages ? bookOf(pages, lang) : undefined);
  const at = params.get('at') ?? '';
  useEffect(() => {
    loadHelp().then(setPages, () => setFailed(true));
  }, []);
  useEffect(() => {
    document.title = `${page?.title ?? h.title} – nvr`;
    const heading = at ? text.current?.querySelector(`[id="${CSS.escape(at)}"]`) : null;
    if (heading) heading.scrollIntoView();
    else text.current?.scrollTo({ top: 0 });
  }, [page?.name, at, words === '']);
  if (failed) {
    return (
      <p class="panel" role="alert" data-testid="help-failed">
        {h.failed}
      </p>
    );
  }
  if (!pages || !page) return <p class="muted">{t.loading}</p>;
  const found = searchHelp(pages, words, lang);
  return (
    <div class="help">
      <nav class="help-pages" aria-label={h.title}>
        <input
          type="search"
          data-testid="help-search"
          aria-label={h.search}
          placeholder={h.search}
          value={words}
          onInput={(e) => setWords(e.currentTarget.value)}
        />
        <ul>
          {pages.map((each) => (
            <li key={each.name}>
              <a
                href={objectHref('help-page', each.name)}
                lang={each.lang}
                onClick={() => setWords('')}
                {...(each.name === page.name ? { 'aria-current': 'page' as const } : {})}
              >
                {each.title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {words.trim() ? (
        <section class="help-text" data-testid="help-found">
          {found.length === 0 ? <p class="muted">{h.nothing}</p> : null}
          <ul>
            {found.map((one) => (
              <li key={`${one.page.name}#${one.at}`}>
                <a
                  href={objectHref('help-page', one.page.name, { at: one.at })}
                  lang={one.page.lang}
                  onClick={() => setWords('')}
                >
                  {one.heading}
                </a>{' '}
                <span class="muted">{one.page.title}</span>
              </li>
            ))}
          </ul>
        </section>
      ) : (
        // Built from our own documentation with the page; nothing of anybody's is in it.
        <article
          class="help-text"
          ref={text}
          lang={page.lang}
          data-testid="help-text"
          dangerouslySetInnerHTML={{ __html: page.html }}
        />
      )}
    </div>
  );
}
