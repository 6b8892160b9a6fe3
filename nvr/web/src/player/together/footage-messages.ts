// The footage of several cameras comes in one answer, as messages (nvr/playback/tiles/messages.py). Pure, but for the
// reading of the answer.

import type { Instant } from '../../shared/time/instant';
import { described, MessageReader, timed } from '../messages';

export interface TileInit {
  id: string;
  /** As in RFC 6381. */
  video: string;
  audio: string | null;
  width: number;
  height: number;
}

export type TileMessage =
  | { kind: 'init'; tile: number; init: TileInit; data: Uint8Array | null }
  | { kind: 'fragment' | 'keyframe'; tile: number; start: Instant; end: Instant; data: Uint8Array }
  | { kind: 'gap' | 'lost'; tile: number; start: Instant; end: Instant }
  | { kind: 'end'; tile: number };

const KINDS = ['init', 'fragment', 'keyframe', 'gap', 'lost', 'end'] as const;

/** Null of a kind that a newer server may have. */
export function readFootage(tile: number, kind: number, body: Uint8Array): TileMessage | null {
  const name = KINDS[kind];
  if (name === undefined) return null;
  if (name === 'end') return { kind: name, tile };
  if (name === 'init') {
    const { told, data } = described<TileInit>(body);
    return { kind: name, tile, init: told, data: data.length > 0 ? data : null };
  }
  const found = timed(body);
  if (!found) return null;
  if (name === 'gap' || name === 'lost') return { kind: name, tile, start: found.start, end: found.end };
  return { kind: name, tile, ...found };
}

/** All messages of an answer, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<TileMessage[]> {
  const reader = response.body!.getReader();
  const messages = new MessageReader(readFootage);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const found = messages.push(value);
      if (found.length > 0) yield found;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  if (messages.isBroken) throw new Error('the answer was broken off');
}
