// Footage that was fetched lately, in memory: going to and fro on the timeline must not fetch it again, and nothing of
// it may stay behind on a computer that others use (the server says no-store). Bounded, and gone with the session.

import type {
  FragmentLoaderConstructor,
  Loader,
  FragmentLoaderContext,
  LoaderCallbacks,
  LoaderConfiguration,
} from 'hls.js';
import { session } from '../session';
import type { HlsClass } from './hls';

const MOST_BYTES = 96 << 20;

/** The longest unused goes first. */
export class Memory {
  private readonly kept = new Map<string, ArrayBuffer>();
  bytes = 0;

  constructor(private readonly most: number) {}

  get(key: string): ArrayBuffer | null {
    const found = this.kept.get(key);
    if (!found) return null;
    this.kept.delete(key);
    this.kept.set(key, found);
    // A copy: hls.js writes into what it is given.
    return found.slice(0);
  }

  put(key: string, data: ArrayBuffer): void {
    if (data.byteLength > this.most / 4) return;
    this.drop(key);
    this.kept.set(key, data.slice(0));
    this.bytes += data.byteLength;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.most) break;
      this.drop(oldest);
    }
  }

  clear(): void {
    this.kept.clear();
    this.bytes = 0;
  }

  private drop(key: string): void {
    this.bytes -= this.kept.get(key)?.byteLength ?? 0;
    this.kept.delete(key);
  }
}

export const footage = new Memory(MOST_BYTES);

session.subscribe(() => {
  if (session.get().state === 'out') footage.clear();
});

/** hls.js's own loader of fragments, behind the memory. */
export function remembering(hlsClass: HlsClass): FragmentLoaderConstructor {
  const Own = hlsClass.DefaultConfig.loader as unknown as new (config: unknown) => Loader<FragmentLoaderContext>;
  return class extends Own {
    override load(
      context: FragmentLoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<FragmentLoaderContext>,
    ): void {
      const key = `${context.url} ${context.rangeStart}-${context.rangeEnd}`;
      const found = footage.get(key);
      if (found) {
        const now = performance.now();
        Object.assign(this.stats, { loaded: found.byteLength, total: found.byteLength, chunkCount: 1 });
        this.stats.loading = { start: now, first: now, end: now };
        queueMicrotask(() => {
          if (!this.stats.aborted)
            callbacks.onSuccess({ url: context.url, data: found, code: 206 }, this.stats, context, null);
        });
        return;
      }
      super.load(context, config, {
        ...callbacks,
        onSuccess: (response, stats, loaded, details) => {
          if (response.data instanceof ArrayBuffer) footage.put(key, response.data);
          callbacks.onSuccess(response, stats, loaded, details);
        },
      });
    }
  } as unknown as FragmentLoaderConstructor;
}
