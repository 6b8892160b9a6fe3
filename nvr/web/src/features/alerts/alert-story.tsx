// How an alert went, and which of its cameras are still away.

import type { AlertMember, Me } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import { serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant, type Instant } from '../../shared/time/instant';
import type { AlertGroup } from './alert-groups';

export const MOST_LISTED = 200;
/** So few stand open. */
export const FEW = 12;

export function HowItWent({ group, me, nameOf }: { group: AlertGroup; me: Me; nameOf: (id: string) => string }) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const inOrder = [...group.alerts].sort((x, y) => (x.since < y.since ? -1 : 1));
  const [first, last] = [inOrder[0]!, inOrder[inOrder.length - 1]!];
  const told: Array<[at: Instant, text: string]> = [
    [parseInstant(first.since), first.cameras[0] ? fill(a.firstCamera, { name: nameOf(first.cameras[0]) }) : a.began],
  ];
  if (inOrder.length > 1)
    told.push([parseInstant(last.since), fill(a.lastOf, { n: format.number(inOrder.length, lang) })]);
  told.push([parseInstant(first.opened), a.opened]);
  if (first.flaps > 0 && group.alerts.length === 1)
    told.push([parseInstant(first.opened), fill(a.flaps, { n: first.flaps })]);
  for (const one of group.alerts)
    if (one.acknowledged && one.acknowledged_by) {
      told.push([
        parseInstant(one.acknowledged),
        `${fill(a.knows, { who: one.acknowledged_by })}${one.note ? `: ${one.note}` : ''}`,
      ]);
      break;
    }
  if (first.resolved) told.push([parseInstant(first.resolved), a.wasOver]);
  return (
    <section>
      <h3>{a.howItWent}</h3>
      <ol class="list alert-story">
        {told
          .sort(([a], [b]) => a - b)
          .map(([at, text]) => (
            <li key={`${at} ${text}`}>
              <time class="faint" title={format.utc(at)}>
                {format.shortDateTime(at, serverNow(), lang, me.zone)}
              </time>
              <span>{text}</span>
            </li>
          ))}
      </ol>
    </section>
  );
}

/** A group's cameras: those that are down by name and since when; how many are well. */
export function Members({
  members,
  zone,
  nameOf,
}: {
  members: readonly AlertMember[];
  zone: string;
  nameOf: (id: string) => string;
}) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const down = members.filter((one) => one.well === null);
  const back = members.filter((one) => one.well !== null && one.required).length;
  const left = members.length - down.length - back;
  const parts = [fill(a.stillDown, { n: format.number(down.length, lang) })];
  if (back > 0) parts.push(fill(a.backAgain, { n: format.number(back, lang) }));
  if (left > 0) parts.push(fill(a.left, { n: format.number(left, lang) }));
  return (
    <details
      class="members"
      data-testid="alert-members"
      data-down={down.length}
      data-back={back}
      open={down.length > 0 && down.length <= FEW}
    >
      <summary>{parts.join(' · ')}</summary>
      <ul>
        {down.slice(0, MOST_LISTED).map((one) => (
          <li key={one.camera}>
            <a href={cameraHref(one.camera)} translate={false}>
              {nameOf(one.camera)}
            </a>{' '}
            <span class="hint">
              {fill(a.sinceAt, { at: format.shortDateTime(parseInstant(one.since), serverNow(), lang, zone) })}
            </span>
          </li>
        ))}
        {down.length > MOST_LISTED ? (
          <li>{fill(a.more, { n: format.number(down.length - MOST_LISTED, lang) })}</li>
        ) : null}
      </ul>
    </details>
  );
}
