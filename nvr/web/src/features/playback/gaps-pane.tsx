// The day's gaps of all cameras that are played, in words: what the tracks show in colours.

import { useMemo, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { causeWords, detailWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';
import { usePoll } from '../../shared/ui/poll';
import { readCoverage, type DayCoverage, type GapAt } from '../../timeline/day-coverage';
import type { Bounds } from '../../timeline/geometry';

interface GapsProps {
  cameras: readonly string[];
  names: (camera: string) => string;
  day: Bounds;
  zone: string;
  onSeek: (at: Instant) => void;
}

const AGAIN_MS = 15_000;
/** A camera that flaps has thousands a day. */
const MOST = 200;

export function GapsPane({ cameras, names, day, zone, onSeek }: GapsProps) {
  const { t, lang } = useWords();
  const [found, setFound] = useState<{ key: string; days: DayCoverage[] } | null>(null);
  const key = `${cameras.join(',')} ${day.start}`;
  usePoll(
    async (signal) => {
      const days = await Promise.all(
        cameras.map(async (camera) => readCoverage(await api.coverage(camera, day.start, day.end, signal))),
      );
      setFound({ key, days });
    },
    AGAIN_MS,
    key,
  );
  const days = found?.key === key ? found.days : null;
  const rows = useMemo(
    () =>
      (days ?? [])
        .flatMap((one, i) => one.gaps.map((gap) => ({ camera: cameras[i]!, gap })))
        .sort((a, b) => a.gap.start - b.gap.start),
    [days],
  );
  if (!days) return <p class="muted">{t.loading}</p>;
  const sum = (of: (one: DayCoverage) => number): number => days.reduce((all, one) => all + of(one), 0);
  const required = sum((one) => one.recordedS + one.notRecordedS);
  const isOver = days.every((one) => one.known >= one.end);
  return (
    <>
      <div class="row">
        <h2>{t.gapList.title}</h2>
        <span class="grow" />
        {required > 0 ? (
          <b data-testid="day-recorded">
            {fill(t.playback.recorded, {
              percent: format.percent(
                sum((one) => one.recordedS),
                required,
                lang,
              ),
            })}
          </b>
        ) : null}
      </div>
      {rows.length === 0 ? <p class="muted">{isOver ? t.playback.noGaps : t.playback.noGapsYet}</p> : null}
      <div>
        {rows.slice(0, MOST).map(({ camera, gap }) => (
          <div class="gp" key={`${camera} ${gap.start}`} data-testid="gap-row" data-cause={gap.gap.cause}>
            <button type="button" class="link" onClick={() => onSeek(gap.start)}>
              {format.clock(gap.start, lang, zone)}
            </button>
            <span class={`st ${gap.gap.class === 'administrative' ? 'decision' : gap.gap.class}`}>
              {causeWords(gap.gap.cause, t)}
            </span>
            <span class="num">{lengthOf(gap)}</span>
            <p>
              {[cameras.length > 1 ? names(camera) : '', detailWords(gap.gap.detail, t)].filter(Boolean).join(' · ')}
            </p>
          </div>
        ))}
      </div>
      {rows.length > MOST ? (
        <p class="cap">{fill(t.playback.more, { n: format.number(rows.length - MOST, lang) })}</p>
      ) : null}
    </>
  );

  function lengthOf(gap: GapAt): string {
    return gap.gap.open
      ? fill(t.gapList.stillOpen, { asOf: format.clock(gap.end, lang, zone) })
      : format.durationBetween(gap.start, gap.end, lang);
  }
}
