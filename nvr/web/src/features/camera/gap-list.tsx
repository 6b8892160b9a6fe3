// The day's gaps in words: what the timeline shows in colours, for everyone.

import { useState } from 'preact/hooks';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { Time } from '../../shared/ui/time';
import { causeWords, classWords, detailWords } from '../../shared/i18n/words';
import type { DayCoverage, GapAt } from '../../timeline/day-coverage';
import { Table } from '../../shared/ui/table';

/** A flapping camera has thousands of gaps a day; more rows than this at once make the page slow for everyone. */
const PAGE = 100;

interface GapListProps {
  coverage: DayCoverage | null;
  zone: string;
  onShow: (gap: GapAt) => void;
  onHighlight: (gap: GapAt | null) => void;
}

export function GapList({ coverage, zone, onShow, onHighlight }: GapListProps) {
  const { t, lang } = useWords();
  const [shown, setShown] = useState(PAGE);
  const g = t.gapList;
  const gaps = coverage?.gaps ?? [];
  return (
    <section class="panel" aria-labelledby="gap-list-title" data-testid="gap-list">
      <h2 id="gap-list-title">{g.title}</h2>
      {coverage && gaps.length === 0 ? (
        <p class="good" data-testid="gap-list-none">
          {coverage.known < coverage.end ? g.noneYet : g.none}
        </p>
      ) : null}
      {gaps.length > 0 ? (
        <Table heads={[g.start, g.end, g.duration, g.cause, g.detail]}>
          {gaps.slice(0, shown).map((item) => (
            <tr
              key={item.start}
              data-testid="gap-row"
              data-cause={item.gap.cause}
              onMouseEnter={() => onHighlight(item)}
              onMouseLeave={() => onHighlight(null)}
            >
              <td data-label={g.start}>
                <button
                  type="button"
                  class="link"
                  aria-label={fill(g.show, { start: format.clock(item.start, lang, zone) })}
                  onClick={() => onShow(item)}
                  onFocus={() => onHighlight(item)}
                  onBlur={() => onHighlight(null)}
                >
                  <Time at={item.start} zone={zone} show="clock" />
                </button>
              </td>
              <td data-label={g.end}>
                {item.gap.open ? (
                  fill(t.gapList.stillOpen, { asOf: format.clock(coverage!.asOf, lang, zone) })
                ) : (
                  <Time at={item.end} zone={zone} show="clock" />
                )}
              </td>
              <td data-label={g.duration} class="nowrap">
                {format.durationBetween(item.start, item.end, lang)}
              </td>
              <td data-label={g.cause}>
                <span class={`swatch gap-${item.gap.class}`} aria-hidden="true" />
                {causeWords(item.gap.cause, t)} <span class="muted">({classWords(item.gap.class, t)})</span>
              </td>
              <td data-label={g.detail} class="detail">
                {detailWords(item.gap.detail, t)}
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      {gaps.length > shown ? (
        <button type="button" onClick={() => setShown(shown + PAGE)}>
          {fill(g.more, { n: format.number(gaps.length - shown, lang) })}
        </button>
      ) : null}
    </section>
  );
}
