// The keyboard of playback, as a pure table: a key to an intention, or nothing.

export type PlaybackKey =
  | { do: 'toggle' | 'goto' | 'bookmark' | 'full' | 'picture' | 'sound' }
  | { do: 'skip'; seconds: number }
  | { do: 'step' | 'gap' | 'speed'; by: 1 | -1 }
  | { do: 'range'; end: 'start' | 'end' }
  | { do: 'zoom'; inwards: boolean }
  | { do: 'day'; end: 'start' | 'end' }
  | { do: 'tile'; number: number };

interface Key {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const KEYS: Record<string, PlaybackKey> = {
  k: { do: 'toggle' },
  j: { do: 'skip', seconds: -10 },
  l: { do: 'skip', seconds: 10 },
  ',': { do: 'step', by: -1 },
  '.': { do: 'step', by: 1 },
  '<': { do: 'speed', by: -1 },
  '>': { do: 'speed', by: 1 },
  g: { do: 'goto' },
  i: { do: 'range', end: 'start' },
  o: { do: 'range', end: 'end' },
  '[': { do: 'range', end: 'start' },
  ']': { do: 'range', end: 'end' },
  b: { do: 'bookmark' },
  f: { do: 'full' },
  s: { do: 'picture' },
  m: { do: 'sound' },
  '+': { do: 'zoom', inwards: true },
  '=': { do: 'zoom', inwards: true },
  '-': { do: 'zoom', inwards: false },
  home: { do: 'day', end: 'start' },
  end: { do: 'day', end: 'end' },
};

/** `typing`: the focus is in a field that wants letters; `pressing`: on something that Space activates. */
export function playbackKey(event: Key, typing: boolean, pressing: boolean): PlaybackKey | null {
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === ' ') return pressing ? null : { do: 'toggle' };
  if (event.key === 'ArrowLeft') return event.shiftKey ? { do: 'gap', by: -1 } : { do: 'skip', seconds: -10 };
  if (event.key === 'ArrowRight') return event.shiftKey ? { do: 'gap', by: 1 } : { do: 'skip', seconds: 10 };
  if (/^[1-9]$/.test(event.key)) return { do: 'tile', number: Number(event.key) };
  return KEYS[event.key.toLowerCase()] ?? null;
}

/** The next slower or faster of some speeds, in their order. */
export function speedBeside(speeds: readonly number[], speed: number, by: 1 | -1): number {
  const sorted = [...speeds].sort((a, b) => a - b);
  const at = sorted.indexOf(speed);
  return sorted[Math.min(Math.max(at + by, 0), sorted.length - 1)] ?? speed;
}
