// What happened in a case, from its requests, their exports and the links to those: the latest first. Pure.

import type { Case, Export } from '../../shared/api/schema';
import { parseInstant, type Instant } from '../../shared/time/instant';

export type StoryKind =
  | 'opened'
  | 'asked'
  | 'approved'
  | 'refused'
  | 'withdrawn'
  | 'sealed'
  | 'linkMade'
  | 'linkUsed'
  | 'linkRevoked'
  | 'closed';

export interface StoryStep {
  at: Instant;
  kind: StoryKind;
  who: string;
  /** The request's number in the case, from 1; 0 of what concerns the case. */
  request: number;
}

/** The number by which people speak of a request: the first one asked for is 1. */
export function numbered(item: Case): Map<string, number> {
  const inOrder = [...item.requests].sort((a, b) => parseInstant(a.requested) - parseInstant(b.requested));
  return new Map(inOrder.map((made, at) => [made.id, at + 1]));
}

export function storyOf(item: Case, exports: ReadonlyMap<string, Export>): StoryStep[] {
  const steps: StoryStep[] = [];
  const add = (at: string | null | undefined, kind: StoryKind, who: string | null | undefined, request = 0): void => {
    if (at) steps.push({ at: parseInstant(at), kind, who: who ?? '', request });
  };
  const numbers = numbered(item);
  add(item.opened, 'opened', item.opened_by);
  add(item.closed, 'closed', item.closed_by);
  for (const made of item.requests) {
    const number = numbers.get(made.id)!;
    add(made.requested, 'asked', made.requester, number);
    if (made.state !== 'asked') add(made.decided, made.state, made.decided_by, number);
    const export_ = made.export === null ? undefined : exports.get(made.export);
    if (!export_) continue;
    if (export_.state === 'done') add(export_.ended, 'sealed', '', number);
    for (const link of export_.links) {
      add(link.made, 'linkMade', link.made_by, number);
      add(link.used, 'linkUsed', link.recipient, number);
      add(link.revoked, 'linkRevoked', link.revoked_by, number);
    }
  }
  return steps.sort((a, b) => b.at - a.at);
}
