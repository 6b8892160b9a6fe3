// A field of chips: what is typed is offered, what was chosen stands as chips before it.

import { useState } from 'preact/hooks';
import { fill, useWords } from '../../shared/i18n';
import { Field } from '../../shared/ui/field';
import { Sign } from '../../shared/ui/signs';

export interface Chip {
  key: string;
  text: string;
  /** Said beside an offer. */
  more?: string;
}

export function OfferBox({
  label,
  hint,
  error,
  chips,
  testid,
  offers,
  onTake,
  onTyped,
  onRemove,
}: {
  label: string;
  hint?: string;
  error?: string | null;
  chips: readonly Chip[];
  testid: string;
  /** What goes with the text, the best first. */
  offers: (text: string) => readonly Chip[];
  onTake: (chip: Chip) => void;
  /** What was typed in full and is none of the offers: whether it was taken. */
  onTyped?: (text: string) => boolean;
  onRemove: (key: string) => void;
}) {
  const { t } = useWords();
  const [text, setText] = useState('');
  const offered = text.trim() === '' ? [] : offers(text);
  const take = (chip: Chip): void => {
    onTake(chip);
    setText('');
  };
  const typed = (): boolean => {
    const isTaken = text.trim() !== '' && onTyped?.(text) === true;
    if (isTaken) setText('');
    return isTaken;
  };
  return (
    <Field label={label} {...(hint ? { hint } : {})} error={error}>
      {(f) => (
        <span class="camera-chips">
          <span class="in-box">
            {chips.map((chip) => (
              <span key={chip.key} class="chip on" translate={false}>
                <span class="ell">{chip.text}</span>
                <button
                  type="button"
                  aria-label={fill(t.cases.removeCamera, { name: chip.text })}
                  onClick={() => onRemove(chip.key)}
                >
                  <Sign name="cross" />
                </button>
              </span>
            ))}
            <input
              {...f}
              type="text"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              data-testid={testid}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              onBlur={typed}
              onKeyDown={(event) => {
                if (event.key === 'Backspace' && text === '' && chips.length > 0)
                  onRemove(chips[chips.length - 1]!.key);
                if (event.key !== 'Enter' || text.trim() === '') return;
                event.preventDefault();
                if (!typed() && offered[0]) take(offered[0]);
              }}
            />
          </span>
          {offered.length > 0 ? (
            <ul class="offered" aria-label={label}>
              {offered.map((chip) => (
                <li key={chip.key}>
                  <button
                    type="button"
                    data-testid={`${testid}-offer`}
                    // Before the field loses the focus, which would take what was typed.
                    onMouseDown={(event) => event.preventDefault()}
                    onClick={() => take(chip)}
                  >
                    <span translate={false}>{chip.text}</span>
                    <small class="mut">{chip.more}</small>
                  </button>
                </li>
              ))}
            </ul>
          ) : null}
        </span>
      )}
    </Field>
  );
}
