// A request that a button starts: busy while it runs, its error in the user's words.

import { useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { errorWords } from '../words';

export interface Action {
  busy: boolean;
  error: string | null;
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
