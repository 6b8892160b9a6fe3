// Which cameras are played together: found by their names and places.

import { useMemo, useState } from 'preact/hooks';
import { hasWords, placeOf, useFleet, wordsIn } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { valueOf } from '../../shared/ui/field';
import { Sign } from '../../shared/ui/signs';
import { MOST_TILES } from './layout';

const MOST_SHOWN = 60;

export function PickCameras({
  chosen: before,
  onChosen,
}: {
  chosen: readonly string[];
  onChosen: (cameras: string[]) => void;
}) {
  const { t } = useWords();
  const p = t.playback;
  const fleet = useFleet();
  const [chosen, setChosen] = useState<readonly string[]>(before);
  const [text, setText] = useState('');
  const found = useMemo(() => {
    const words = wordsIn(text);
    return (fleet.rows ?? []).filter((row) => hasWords(row, words)).slice(0, MOST_SHOWN);
  }, [fleet.rows, text]);
  const isFull = chosen.length >= MOST_TILES;
  return (
    <form
      class="pick"
      data-testid="pick-cameras"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen.length > 0) onChosen([...chosen]);
      }}
    >
      <p class="muted">{fill(isFull ? p.full : p.choose, { most: MOST_TILES })}</p>
      {chosen.length > 0 ? (
        <div class="pick-chosen">
          {chosen.map((id) => {
            const name = fleet.byId.get(id)?.name ?? id;
            return (
              <span key={id} class="chip on" translate={false}>
                {name}
                <button
                  type="button"
                  aria-label={fill(p.leaveOut, { name })}
                  data-testid="pick-remove"
                  onClick={() => setChosen(chosen.filter((one) => one !== id))}
                >
                  <Sign name="cross" />
                </button>
              </span>
            );
          })}
        </div>
      ) : null}
      <label class="field">
        <span>{p.addHint}</span>
        <input
          type="search"
          data-testid="pick-search"
          value={text}
          onInput={(event) => setText(valueOf(event))}
          autocomplete="off"
        />
      </label>
      <div class="pick-list">
        {fleet.rows && found.length === 0 ? <p class="muted">{p.noneFound}</p> : null}
        {found.map((row) => {
          const is = chosen.includes(row.id);
          return (
            <label key={row.id} class="pick-row">
              <input
                type="checkbox"
                data-testid="pick-camera"
                data-camera={row.id}
                checked={is}
                disabled={!is && isFull}
                onChange={() => setChosen(is ? chosen.filter((one) => one !== row.id) : [...chosen, row.id])}
              />
              <span class="ell" translate={false}>
                {row.name}
              </span>
              <span class="faint ell" translate={false}>
                {placeOf(row)}
              </span>
            </label>
          );
        })}
      </div>
      <button type="submit" class="primary" data-testid="pick-done" disabled={chosen.length === 0}>
        {p.done}
      </button>
    </form>
  );
}
