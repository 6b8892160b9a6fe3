// What citizens are shown, in order: pictures first, then by district those without; letters told once. Pure.

import type { PublicCamera } from '../../shared/api/schema';

export interface Letter {
  letter: string;
  date: string | null;
  expectedEnd: string | null;
  cameras: PublicCamera[];
}

export interface District {
  name: string | null;
  cameras: PublicCamera[];
  working: number;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
const byName = (a: PublicCamera, b: PublicCamera): number => collator.compare(a.name, b.name);

export function searched(cameras: readonly PublicCamera[], search: string): PublicCamera[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return cameras.filter((camera) => {
    const text = `${camera.name} ${camera.district ?? ''}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Those that show what they see now, or saw last; working ones first. */
export function withPicture(cameras: readonly PublicCamera[]): PublicCamera[] {
  return cameras
    .filter((camera) => camera.picture && camera.picture_time)
    .sort((a, b) => Number(b.state === 'recording') - Number(a.state === 'recording') || byName(a, b));
}

export function districts(cameras: readonly PublicCamera[]): District[] {
  const found = new Map<string | null, PublicCamera[]>();
  for (const camera of cameras) found.set(camera.district, [...(found.get(camera.district) ?? []), camera]);
  return [...found]
    .map(([name, mine]) => ({
      name,
      cameras: mine.sort((a, b) => Number(a.state === 'recording') - Number(b.state === 'recording') || byName(a, b)),
      working: mine.filter((camera) => camera.state === 'recording').length,
    }))
    .sort((a, b) => Number(a.name === null) - Number(b.name === null) || collator.compare(a.name ?? '', b.name ?? ''));
}

/** One headline a letter, that with the most cameras first. */
export function letters(cameras: readonly PublicCamera[]): Letter[] {
  const found = new Map<string, Letter>();
  for (const camera of cameras) {
    if (!camera.order) continue;
    const { letter, letter_date: date, expected_end: expectedEnd } = camera.order;
    const known = found.get(letter) ?? { letter, date, expectedEnd, cameras: [] };
    known.cameras.push(camera);
    found.set(letter, known);
  }
  return [...found.values()].sort((a, b) => b.cameras.length - a.cameras.length);
}

/** How many cameras are in each state that is not the usual one, the most first. */
export function troubles(cameras: readonly PublicCamera[]): [state: string, count: number][] {
  const found = new Map<string, number>();
  for (const { state } of cameras) if (state !== 'recording') found.set(state, (found.get(state) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1]);
}
