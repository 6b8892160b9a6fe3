// How much of an export is done.

import type { Export } from '../types';

/** Per cent, whole; 100 only when nothing is left. */
export function share(item: Pick<Export, 'done_bytes' | 'total_bytes'>): number {
  if (!item.total_bytes) return 0;
  return Math.min(Math.floor((100 * item.done_bytes) / item.total_bytes), item.done_bytes < item.total_bytes ? 99 : 100);
}
