// What is at a moment of a camera, in words: exactly where that is known, else by the column of the drawing.

import type { Words, Lang } from '../../shared/i18n';
import { causeWords, classWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';
import { runAt } from '../../timeline/columns';
import { gapAt, runsOfCamera, type CoverageOf, type NearGaps } from './use-coverage';

export function momentWords(
  camera: string,
  at: Instant,
  near: NearGaps,
  drawn: CoverageOf | null,
  t: Words,
  lang: Lang,
): string {
  const exact = gapAt(near, camera, at);
  if (exact) {
    const words = `${causeWords(exact.gap.cause, t)} (${classWords(exact.gap.class, t)})`;
    return `${words}, ${format.durationBetween(exact.start, exact.end, lang)}`;
  }
  const runs = runsOfCamera(drawn, camera);
  if (!runs || !drawn) return t.loading;
  const { of, columns } = drawn;
  const run = runAt(runs, Math.floor(((at - of.start) / (of.end - of.start)) * columns));
  if (!run || (run.state === 'unknown' && run.cls === null)) return t.timeline.unknown;
  return run.cls === null ? t.timeline.footage : `${causeWords(run.state, t)} (${classWords(run.cls, t)})`;
}

/** Whether a picture of that moment is worth asking for. */
export function mayHaveFootage(camera: string, at: Instant, near: NearGaps, now: Instant): boolean {
  if (at >= now) return false;
  return !near.of || at < near.of.start || at >= near.of.end || gapAt(near, camera, at) === null;
}
