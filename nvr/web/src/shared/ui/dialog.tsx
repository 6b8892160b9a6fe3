// A form at the side, or a question in the middle, on the browser's own <dialog>: it traps focus, closes on Escape and
// gives focus back. Beside a form the list that it belongs to stays in sight.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../i18n';
import { useAction } from './action';

interface DialogProps {
  title: string;
  testid: string;
  onClose: () => void;
  /** A question to be answered stands in the middle; a form at the side. */
  asks?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, testid, onClose, asks = false, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const { t } = useWords();
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} class={asks ? 'dialog' : 'sheet'} data-testid={testid} aria-label={title} onClose={onClose}>
      <header class="dialog-head">
        <h2>{title}</h2>
        <button
          type="button"
          class="icon-button"
          aria-label={t.close}
          data-testid="dialog-close"
          onClick={() => ref.current?.close()}
        >
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  /** What the button says that does it. */
  action: string;
  work: () => Promise<unknown>;
  /** Called when it is done, after `onClose`. */
  onDone: () => void;
  onClose: () => void;
}

export function Confirm({ title, text, action, work, onDone, onClose }: ConfirmProps) {
  const { t } = useWords();
  const { busy, error, run } = useAction();
  const confirm = async (): Promise<void> => {
    if (!(await run(work))) return;
    onClose();
    onDone();
  };
  return (
    <Dialog title={title} testid="confirm" onClose={onClose} asks>
      <p>{text}</p>
      <ErrorText text={error} />
      <div class="dialog-actions">
        <button type="button" data-testid="confirm-cancel" onClick={onClose}>
          {t.cancel}
        </button>
        <button type="button" class="danger" data-testid="confirm-ok" disabled={busy} onClick={() => void confirm()}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}

export function ErrorText({ text, testid = 'error' }: { text: string | null; testid?: string }) {
  return text ? (
    <p class="error" role="alert" data-testid={testid}>
      {text}
    </p>
  ) : null;
}
