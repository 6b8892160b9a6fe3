// A form in steps: where one is, and back to what was done already.

import { fill, useWords } from '../i18n';
import { Sign } from './signs';

export function Steps({
  names,
  current,
  onStep,
}: {
  names: readonly string[];
  /** From 0. */
  current: number;
  onStep?: (step: number) => void;
}) {
  const { t } = useWords();
  return (
    <ol class="steps" data-testid="steps">
      {names.map((name, n) => {
        const words = fill(t.frame.step, { n: n + 1, of: names.length, name });
        const mark = <b aria-hidden="true">{n < current ? <Sign name="check" /> : n + 1}</b>;
        return (
          <li key={name} class={n < current ? 'done' : ''} {...(n === current ? { 'aria-current': 'step' } : {})}>
            {mark}
            {n < current && onStep ? (
              <button type="button" class="link" aria-label={words} onClick={() => onStep(n)}>
                {name}
              </button>
            ) : (
              <span>{name}</span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
