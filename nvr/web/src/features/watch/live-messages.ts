// Live pictures of several cameras come in one answer, as messages (nvr/playback/live/wire.py). Pure.

import { described, timed } from '../../player/messages';
import type { Instant } from '../../shared/time/instant';

export interface LiveInit {
  /** `live`: the stream for watching; `main`: what is recorded. */
  stream: 'live' | 'main';
  /** As in RFC 6381. */
  video: string;
  audio: string | null;
  width: number;
  height: number;
}

export type LiveMessage =
  | { kind: 'init'; tile: number; init: LiveInit; data: Uint8Array }
  | { kind: 'fragment'; tile: number; start: Instant; end: Instant; data: Uint8Array }
  | { kind: 'away'; tile: number; cause: string | null; error: string }
  | { kind: 'ping' };

const KINDS = { init: 0, fragment: 1, away: 6, ping: 7 } as const;

/** Null of a kind that a newer server may have. */
export function readLive(tile: number, kind: number, body: Uint8Array): LiveMessage | null {
  if (kind === KINDS.init) {
    const { told, data } = described<LiveInit>(body);
    return { kind: 'init', tile, init: told, data };
  }
  if (kind === KINDS.fragment) {
    const found = timed(body);
    return found && { kind: 'fragment', tile, ...found };
  }
  if (kind === KINDS.away) {
    const told = JSON.parse(new TextDecoder().decode(body)) as { cause: string | null; error: string };
    return { kind: 'away', tile, ...told };
  }
  return kind === KINDS.ping ? { kind: 'ping' } : null;
}
