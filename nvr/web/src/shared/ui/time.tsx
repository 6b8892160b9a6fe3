// A moment in the display zone; the tooltip gives UTC, so that two people in two zones can agree on it.

import { useWords } from '../i18n';
import * as format from '../time/format';
import { formatInstant, type Instant } from '../time/instant';

interface TimeProps {
  at: Instant;
  zone: string;
  /** `clock` for tables about one day, `plain` for tables that name their zone once. */
  show?: 'full' | 'clock' | 'plain';
}

export function Time({ at, zone, show = 'full' }: TimeProps) {
  const { lang } = useWords();
  const text =
    show === 'full'
      ? format.dateTime(at, lang, zone)
      : `${show === 'plain' ? `${format.date(at, lang, zone)} ` : ''}${format.clock(at, lang, zone)}`;
  return (
    <time dateTime={formatInstant(at)} title={`${format.dateTime(at, lang, zone)} = ${format.utc(at)}`}>
      {text}
    </time>
  );
}
