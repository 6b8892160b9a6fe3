// Live pictures of a wall: one answer for all its cameras, however many there are (a browser keeps six connections to a
// server, not sixteen). It never gives up; while nobody can see the page it asks for nothing. Invariant: one request at
// a time, and what comes of an older one is dropped.

import { MessageReader } from '../../player/messages';
import { API } from '../../shared/api/base';
import { readProblem, send, type Failure } from '../../shared/api/routes';
import { readLive, type LiveMessage } from './live-messages';

export interface WallEvents {
  onMessage(message: Exclude<LiveMessage, { kind: 'ping' }>): void;
  /** Nothing comes: the server is away, or said no. Null: it comes again. */
  onTrouble(trouble: Failure | 'offline' | null): void;
}

const FIRST_MS = 1000;
const LONGEST_MS = 15_000;
/** A server that says nothing for so long, not even that it is there, is not there. */
const SILENT_MS = 40_000;

export class LiveWall {
  private stop: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private readonly seen = (): void => (document.hidden ? this.close() : this.open());

  constructor(
    private readonly cameras: readonly string[],
    private readonly main: readonly string[],
    private readonly events: WallEvents,
  ) {}

  start(): void {
    document.addEventListener('visibilitychange', this.seen);
    if (!document.hidden) this.open();
  }

  end(): void {
    document.removeEventListener('visibilitychange', this.seen);
    this.close();
  }

  private open(): void {
    if (this.stop || this.cameras.length === 0) return;
    clearTimeout(this.timer);
    this.stop = new AbortController();
    void this.run(this.stop);
  }

  private close(): void {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.stop = null;
  }

  private async run(stop: AbortController): Promise<void> {
    const query = new URLSearchParams({ seconds: '3600' });
    for (const camera of this.cameras) query.append('camera', camera);
    for (const camera of this.main) query.append('main', camera);
    let trouble: Failure | 'offline' = 'offline';
    let silence: ReturnType<typeof setTimeout> | undefined;
    try {
      const answer = await send(`${API}/live?${query.toString()}`, { signal: stop.signal });
      if (!answer.ok || !answer.body) trouble = await readProblem(answer);
      else {
        this.events.onTrouble(null);
        const body = answer.body.getReader();
        const reader = new MessageReader(readLive);
        for (;;) {
          clearTimeout(silence);
          silence = setTimeout(() => void body.cancel().catch(() => undefined), SILENT_MS);
          const { done, value } = await body.read();
          if (done || stop !== this.stop) break;
          this.failures = 0;
          for (const message of reader.push(value)) if (message.kind !== 'ping') this.events.onMessage(message);
        }
      }
    } catch {
      // the server is away, or nobody looks any more
    } finally {
      clearTimeout(silence);
    }
    if (stop !== this.stop) return;
    this.stop = null;
    this.failures += 1;
    if (this.failures > 1 || trouble !== 'offline') this.events.onTrouble(trouble);
    this.timer = setTimeout(() => this.open(), Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.failures - 1, 4)));
  }
}
