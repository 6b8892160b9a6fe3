// How a camera of the list is, in words: the cause and since when, or that it is recorded.

import { serverNow } from '../../session';
import type { FleetRow } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import { causeWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { kindOf, Mark, type StateKind } from '../../shared/ui/mark';

export function kindOfRow(row: Pick<FleetRow, 'state' | 'class'>): StateKind {
  return row.state === 'recorded' ? 'ok' : kindOf(row.class ?? 'unknown');
}

export function RowState({ row, zone }: { row: FleetRow; zone: string }) {
  const { t, lang } = useWords();
  const since = row.since ? parseInstant(row.since) : null;
  const words =
    row.state === 'recorded'
      ? t.states.recording
      : row.cause
        ? causeWords(row.cause, t)
        : (named(t.states, row.state === 'down' ? 'waiting' : 'off') ?? row.state);
  return (
    <Mark kind={kindOfRow(row)}>
      <span class="ell" data-testid="camera-state" data-state={row.state} data-cause={row.cause ?? ''}>
        {words}
      </span>
      {row.letter ? (
        <span class="faint ell">{row.letter}</span>
      ) : since !== null && row.state !== 'recorded' ? (
        <span class="faint nowrap" title={fill(t.cameras.since, { time: format.dateTime(since, lang, zone) })}>
          {format.durationBetween(since, serverNow(), lang)}
        </span>
      ) : null}
    </Mark>
  );
}
