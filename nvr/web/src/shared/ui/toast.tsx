// What was done just now, with a way to undo or to open it. It goes by itself, and waits while it is pointed at.

import { useEffect, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { createStore, useStore } from '../store';
import { Sign } from './signs';

const SHOWN_MS = 8000;
const MOST = 3;

export interface ToastText {
  text: string;
  /** `href` opens what was made; `run` undoes it. Their texts are "Open" and "Undo", unless given. */
  href?: string;
  run?: () => void;
  action?: string;
}

interface Shown extends ToastText {
  id: number;
}

const shown = createStore<readonly Shown[]>([]);
let last = 0;

export function toast(what: ToastText): void {
  last += 1;
  shown.set([...shown.get(), { ...what, id: last }].slice(-MOST));
}

const close = (id: number): void => shown.set(shown.get().filter((one) => one.id !== id));

export function Toasts() {
  const list = useStore(shown);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map((one) => (
        <OneToast key={one.id} what={one} />
      ))}
    </div>
  );
}

function OneToast({ what }: { what: Shown }) {
  const { t } = useWords();
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => close(what.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, what.id]);
  return (
    <div data-testid="toast" onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)}>
      <span>{what.text}</span>
      {what.href ? (
        <a href={what.href} data-testid="toast-open" onClick={() => close(what.id)}>
          {what.action ?? t.frame.open}
        </a>
      ) : null}
      {what.run ? (
        <button
          type="button"
          data-testid="toast-undo"
          onClick={() => {
            close(what.id);
            what.run?.();
          }}
        >
          {what.action ?? t.frame.undo}
        </button>
      ) : null}
      <button type="button" class="ib" aria-label={t.frame.dismiss} onClick={() => close(what.id)}>
        <Sign name="cross" />
      </button>
    </div>
  );
}
