// Asking the server again and again, but never while nobody looks and never twice at once.

import { useEffect, useRef } from 'preact/hooks';

/** Runs `work` now and `pauseMs` after each completion; waits while the page is hidden; stops when `key` changes. */
export function usePoll(work: (signal: AbortSignal) => Promise<void>, pauseMs: number, key: unknown = null): void {
  const latest = useRef(work);
  latest.current = work;
  const pause = useRef(pauseMs);
  pause.current = pauseMs;
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    const run = async (): Promise<void> => {
      if (running || stop.signal.aborted) return;
      running = true;
      clearTimeout(timer);
      try {
        await latest.current(stop.signal);
      } catch {
        // the work itself keeps what the user should know of a failure
      }
      running = false;
      if (!stop.signal.aborted && !document.hidden) timer = setTimeout(() => void run(), pause.current);
    };
    const visible = (): void => {
      if (!document.hidden) void run();
      else clearTimeout(timer);
    };
    document.addEventListener('visibilitychange', visible);
    void run();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', visible);
    };
  }, [key]);
}
