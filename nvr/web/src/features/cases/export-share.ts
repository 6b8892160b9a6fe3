// How much of an export is done, and when one that waits begins.

import { fill, type Lang } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Export } from '../../shared/api/schema';

/** Per cent, whole; 100 only when nothing is left. */
export function share(item: Pick<Export, 'done_bytes' | 'total_bytes'>): number {
  if (!item.total_bytes) return 0;
  return Math.min(
    Math.floor((100 * item.done_bytes) / item.total_bytes),
    item.done_bytes < item.total_bytes ? 99 : 100,
  );
}

/** When an export whose range is not over is expected to begin, in words. */
export function begins(item: Pick<Export, 'begins' | 'end'>, text: string, lang: Lang, zone: string): string {
  if (!item.begins) return '';
  const at = parseInstant(item.begins);
  return fill(text, {
    time: format.dateTime(at, lang, zone),
    after: format.durationBetween(parseInstant(item.end), at, lang),
  });
}
