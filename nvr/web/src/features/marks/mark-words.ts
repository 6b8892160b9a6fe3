// What a kind of marks is called; a word of an analysis stays as it is.

import type { Words } from '../../shared/i18n';

export function kindWords(kind: string, t: Words): string {
  return (t.marks.kinds as Record<string, string>)[kind] ?? kind;
}
