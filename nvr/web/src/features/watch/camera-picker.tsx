// Choosing cameras for a wall: by name, place or label, one after the other.

import { useState } from 'preact/hooks';
import { hasWords, placeOf, wordsIn, type FleetRow } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { Dialog } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { RowState } from '../cameras/row-state';

const MOST = 60;

export function CameraPicker({
  rows,
  zone,
  chosen,
  most,
  onToggle,
  onClose,
}: {
  rows: readonly FleetRow[];
  zone: string;
  chosen: readonly string[];
  most: number;
  onToggle: (id: string) => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const [search, setSearch] = useState('');
  const words = wordsIn(search);
  const found = rows.filter((row) => hasWords(row, words));
  const ordered = [
    ...found.filter((row) => chosen.includes(row.id)),
    ...found.filter((row) => !chosen.includes(row.id)),
  ];
  return (
    <Dialog title={t.wall.choose} testid="camera-picker" onClose={onClose}>
      <TextField
        label={t.cameras.search}
        type="search"
        data-testid="picker-search"
        placeholder={t.cameras.searchHint}
        value={search}
        onValue={setSearch}
      />
      <p class="hint" role="status">
        {fill(t.cameras.chosen, { n: `${chosen.length} / ${most}` })}
      </p>
      <ul class="picker">
        {ordered.slice(0, MOST).map((row) => (
          <li key={row.id}>
            <label class="chk" data-testid="picker-row" data-camera={row.id}>
              <input
                type="checkbox"
                checked={chosen.includes(row.id)}
                disabled={!chosen.includes(row.id) && chosen.length >= most}
                onChange={() => onToggle(row.id)}
              />
              <span class="grow">
                <b translate={false}>{row.name}</b> <span class="mut">{placeOf(row)}</span>
                <RowState row={row} zone={zone} />
              </span>
            </label>
          </li>
        ))}
      </ul>
      {found.length > MOST ? <p class="hint">{fill(t.gapList.more, { n: found.length - MOST })}</p> : null}
    </Dialog>
  );
}
