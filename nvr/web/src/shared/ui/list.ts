// A list that is loaded once and again after each change.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { errorWords } from '../i18n/words';

export interface Loaded<T> {
  items: T[] | null;
  error: string | null;
  reload: () => void;
}

export function useList<T>(load: () => Promise<T[]>): Loaded<T> {
  const { t } = useWords();
  const [items, setItems] = useState<T[] | null>(null);
  const [failure, setFailure] = useState<{ error: unknown } | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const alive = useRef(true);
  const reload = useCallback(() => {
    latest.current().then(
      (found) => {
        if (!alive.current) return;
        setItems(found);
        setFailure(null);
      },
      (error: unknown) => alive.current && setFailure({ error }),
    );
  }, []);
  useEffect(() => {
    alive.current = true;
    reload();
    return () => {
      alive.current = false;
    };
  }, [reload]);
  return { items, error: failure ? errorWords(failure.error, t) : null, reload };
}
