// Which language the page speaks.

import { LANGS, setLang, useWords, wordsOf } from '../i18n';
import { valueOf } from './field';

export function LanguageChoice() {
  const { t, lang } = useWords();
  return (
    <label class="language">
      <span class="visually-hidden">{t.language}</span>
      <select data-testid="language" value={lang} onChange={(event) => setLang(valueOf(event))}>
        {LANGS.map((name) => (
          <option key={name} value={name} lang={name}>
            {wordsOf(name).name}
          </option>
        ))}
      </select>
    </label>
  );
}
