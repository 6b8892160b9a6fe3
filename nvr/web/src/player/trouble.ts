// What went wrong in a player, reduced to what the page can say and offer.

import type { ErrorData } from 'hls.js';
import { mediaProblem, OfflineError } from '../shared/api/client';
import type { Failure } from '../shared/api/client';

export type Trouble =
  | { kind: 'codec'; codec: string | null }
  | { kind: 'server'; problem: Failure }
  | { kind: 'offline' }
  | { kind: 'no-mse' }
  | { kind: 'media' };

/** hls.js knows only that an address failed; the server says why when it is asked again. */
export async function askWhy(url: string): Promise<Trouble> {
  try {
    const problem = await mediaProblem(url);
    return problem ? { kind: 'server', problem } : { kind: 'media' };
  } catch (error) {
    return error instanceof OfflineError ? { kind: 'offline' } : { kind: 'media' };
  }
}

/** The browser refused the codec; everything else may be worth another try. */
export function isCodecError(data: Pick<ErrorData, 'details' | 'error'>): boolean {
  return (
    data.details === 'bufferAddCodecError' ||
    data.details === 'bufferIncompatibleCodecsError' ||
    data.details === 'manifestIncompatibleCodecsError' ||
    data.error?.name === 'NotSupportedError'
  );
}

export function codecOf(data: ErrorData): string | null {
  const mime = data.mimeType ?? '';
  return /codecs="?([^";,]+)/.exec(mime)?.[1] ?? null;
}
