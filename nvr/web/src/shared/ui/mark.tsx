// A state by colour and shape, with its words: it can be read without the colour.

import type { ComponentChildren } from 'preact';
import type { CauseClass } from '../api/schema';

export type StateKind = 'ok' | 'network' | 'camera' | 'server' | 'decision' | 'policy' | 'unknown';

/** What stylesheets call a class of causes; null: recorded. */
export function kindOf(cls: CauseClass | string | null): StateKind {
  if (cls === null) return 'ok';
  if (cls === 'administrative') return 'decision';
  return cls === 'network' || cls === 'camera' || cls === 'server' || cls === 'policy' ? cls : 'unknown';
}

export function Mark({
  kind,
  children,
  tint = false,
}: {
  kind: StateKind;
  children?: ComponentChildren;
  tint?: boolean;
}) {
  return <span class={`st ${kind}${tint ? ` tx-${kind}` : ''}`}>{children}</span>;
}
