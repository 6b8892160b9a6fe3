// How many alerts are open, for the menu.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';

const EVERY_MS = 10_000;

/** A failed look keeps the last number: the page says elsewhere that the server is away. */
export function useOpenAlerts(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const look = (): void =>
      void api.alerts(true).then(
        (found) => setCount(found.alerts.length),
        () => undefined,
      );
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return count;
}
