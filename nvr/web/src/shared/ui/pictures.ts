// Small pictures that were fetched lately, in memory: a list that is scrolled to and fro must not ask for them again,
// and none may stay behind on a computer that others use (the server says no-store). Bounded, and gone with the
// session.

import { useEffect, useState } from 'preact/hooks';
import { session } from '../../session';

const MOST = 200;
const kept = new Map<string, Promise<string | null>>();

function forget(url: string): void {
  const found = kept.get(url);
  kept.delete(url);
  void found?.then((blob) => blob !== null && URL.revokeObjectURL(blob));
}

session.subscribe(() => {
  if (session.get().state === 'out') for (const url of [...kept.keys()]) forget(url);
});

function fetched(key: string, url: string): Promise<string | null> {
  const found = kept.get(key);
  if (found) return found;
  const coming = fetch(url, { credentials: 'same-origin' })
    .then(async (answer) => (answer.ok ? URL.createObjectURL(await answer.blob()) : null))
    .catch(() => null);
  kept.set(key, coming);
  void coming.then((blob) => {
    if (blob === null && kept.get(key) === coming) kept.delete(key); // asked again the next time
  });
  if (kept.size > MOST) forget(kept.keys().next().value!);
  return coming;
}

/**
 * An address of the picture for an <img>: undefined while it comes, null if there is none. With another `version` it is
 * asked for anew, and what was shown stays until then.
 */
export function usePicture(url: string | null, version = 0): string | null | undefined {
  const [found, setFound] = useState<{ url: string | null; blob: string | null } | null>(null);
  useEffect(() => {
    let gone = false;
    if (url !== null) void fetched(`${url} ${version}`, url).then((blob) => gone || setFound({ url, blob }));
    return () => {
      gone = true;
    };
  }, [url, version]);
  return url === null ? null : found?.url === url ? found.blob : undefined;
}
