// Loads the footage of several cameras as one answer, no further ahead of the clock than is needed. Invariant: one
// request at a time; what comes of an older one is dropped.

import { openStream } from '../../shared/api/client';
import type { Instant } from '../../shared/time/instant';
import { HOUR } from '../../shared/time/instant';
import type { Failure } from '../../shared/api/routes';
import { messagesOf, type TileMessage } from './footage-messages';

export interface StreamEvents {
  onMessage(message: TileMessage): void;
  /** All that was asked for has come, or it broke off; a failure says why nothing comes. */
  onEnd(failure: Failure | 'offline' | null): void;
}

/** Of one answer: a page that is left open must not hold one for ever. */
const LONGEST_MS = HOUR;

export class FootageStream {
  private stop: AbortController | null = null;
  private wake: (() => void) | null = null;
  /** Inits that have come, by id: they need not come again. */
  private readonly inits = new Map<string, Uint8Array>();

  constructor(
    private readonly cameras: readonly string[],
    private readonly events: StreamEvents,
    /** Whether enough is there for now. */
    private readonly isEnough: () => boolean,
  ) {}

  get isOpen(): boolean {
    return this.stop !== null;
  }

  open(from: Instant, origin: Instant): void {
    this.close();
    const stop = new AbortController();
    this.stop = stop;
    void this.run(from, origin, stop);
  }

  /** The clock has moved: more may be wanted. */
  look(): void {
    if (this.wake && !this.isEnough()) {
      this.wake();
      this.wake = null;
    }
  }

  close(): void {
    this.stop?.abort();
    this.stop = null;
    this.wake?.();
    this.wake = null;
  }

  private async run(from: Instant, origin: Instant, stop: AbortController): Promise<void> {
    let failure: Failure | 'offline' | null = null;
    try {
      const answer = await openStream(
        this.cameras,
        from,
        from + LONGEST_MS,
        origin,
        [...this.inits.keys()],
        stop.signal,
      );
      if (answer instanceof Response) {
        for await (const messages of messagesOf(answer)) {
          if (stop !== this.stop) return;
          for (const message of messages) this.events.onMessage(this.whole(message));
          if (this.isEnough()) await new Promise<void>((resolve) => (this.wake = resolve));
          if (stop !== this.stop) return;
        }
      } else failure = answer;
    } catch {
      failure = 'offline';
    }
    if (stop !== this.stop) return;
    this.stop = null;
    this.events.onEnd(failure);
  }

  private whole(message: TileMessage): TileMessage {
    if (message.kind !== 'init') return message;
    if (message.data) this.inits.set(message.init.id, message.data);
    return { ...message, data: message.data ?? this.inits.get(message.init.id) ?? null };
  }
}
