// Cameras chosen by name: typed, offered while typing, kept as chips. Ids are what is sent, names what is read.

import { useState } from 'preact/hooks';
import { fill, useWords } from '../../shared/i18n';
import { hasWords, useFleet, wordsIn } from '../../shared/fleet';
import { Field } from '../../shared/ui/field';
import { Sign } from '../../shared/ui/signs';

const MOST_OFFERED = 8;

export interface NamedCamera {
  id: string;
  name: string;
}

export function CameraChips({
  chosen,
  testid,
  onChosen,
}: {
  chosen: readonly NamedCamera[];
  testid: string;
  onChosen: (chosen: NamedCamera[]) => void;
}) {
  const { t } = useWords();
  const c = t.cases;
  const { rows } = useFleet();
  const [text, setText] = useState('');
  const words = wordsIn(text);
  const taken = new Set(chosen.map((one) => one.id));
  const offered =
    words.length === 0
      ? []
      : (rows ?? []).filter((row) => !taken.has(row.id) && hasWords(row, words)).slice(0, MOST_OFFERED);
  const take = (one: NamedCamera): void => {
    onChosen([...chosen, { id: one.id, name: one.name || one.id }]);
    setText('');
  };
  return (
    <Field label={c.cameras} hint={c.camerasByName}>
      {(f) => (
        <span class="camera-chips">
          <span class="in-box">
            {chosen.map((one) => (
              <span key={one.id} class="chip on" translate={false}>
                {one.name}
                <button
                  type="button"
                  aria-label={fill(c.removeCamera, { name: one.name })}
                  onClick={() => onChosen(chosen.filter((other) => other.id !== one.id))}
                >
                  <Sign name="cross" />
                </button>
              </span>
            ))}
            <input
              {...f}
              type="text"
              autocomplete="off"
              data-testid={testid}
              required={chosen.length === 0}
              value={text}
              onInput={(e) => setText(e.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && offered[0]) {
                  event.preventDefault();
                  take(offered[0]);
                }
                if (event.key === 'Backspace' && text === '' && chosen.length > 0) onChosen(chosen.slice(0, -1));
              }}
            />
          </span>
          {offered.length > 0 ? (
            <ul class="offered" role="listbox" aria-label={c.cameras}>
              {offered.map((row) => (
                <li key={row.id}>
                  <button type="button" data-testid="camera-offer" data-camera={row.id} onClick={() => take(row)}>
                    <span translate={false}>{row.name || row.id}</span>
                    <small class="mut">{row.name ? row.id : ''}</small>
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
