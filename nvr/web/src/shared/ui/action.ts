// A request that a button starts: busy while it runs, its error in the user's words.

import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { useWords } from '../i18n';
import { errorWords } from '../i18n/words';

export interface Action {
  busy: boolean;
  error: string | null;
  /** The problem's code, where a page has better words for it than the dictionary. */
  code: string | undefined;
  clear: () => void;
  /** True if the work succeeded. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function useAction(): Action {
  const { t, lang } = useWords();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ error: unknown } | null>(null);
  return {
    busy,
    code: failure?.error instanceof ApiError ? failure.error.code : undefined,
    error: failure ? errorWords(failure.error, t, lang) : null,
    clear: () => setFailure(null),
    async run(work) {
      setBusy(true);
      setFailure(null);
      try {
        await work();
        return true;
      } catch (error) {
        setFailure({ error });
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
