// A labelled form field; the hint and the error are read out with the field.

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | null | undefined;
  class?: string;
  children: (attributes: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }) => ComponentChildren;
}

export function Field({ label, hint, error, class: extra, children }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class={`field ${extra ?? ''}`}>
      <label for={id}>{label}</label>
      {children({
        id,
        ...(note ? { 'aria-describedby': `${id}-note` } : {}),
        ...(error ? { 'aria-invalid': true } : {}),
      })}
      {note ? (
        <span id={`${id}-note`} class={error ? 'error' : 'hint'}>
          {note}
        </span>
      ) : null}
    </div>
  );
}

/** The value of an input's event, typed once. */
export function valueOf(event: Event): string {
  return (event.currentTarget as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement).value;
}
