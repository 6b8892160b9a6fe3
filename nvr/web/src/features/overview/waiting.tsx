// What only a person can do: decide requests, confirm deletions, end what is past its end, place what does not fit.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords } from '../../shared/i18n';
import { href, objectHref } from '../../router';
import { may, serverNow } from '../../session';
import type { Alert, Case, Directive, Forecast, Me, Waiting as WaitingDeletion } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { usePoll } from '../../shared/ui/poll';
import { Sign, type SignName } from '../../shared/ui/signs';

interface Item {
  key: string;
  sign: SignName;
  text: string;
  more: string;
  to: string;
  due: string;
}

/** Alerts about the server itself: those of cameras stand beside. */
const OF_CAMERAS = ['camera_down', 'cameras_down'];

export function WaitsForPerson({
  me,
  orders,
  forecast,
}: {
  me: Me;
  orders: readonly Directive[];
  forecast: Forecast | null;
}) {
  const { t, lang } = useWords();
  const w = t.overview.waits;
  const [cases, setCases] = useState<Case[]>([]);
  const [deletions, setDeletions] = useState<WaitingDeletion[]>([]);
  const [alerts, setAlerts] = useState<Alert[]>([]);
  usePoll(async () => {
    if (may(me, 'approve') || may(me, 'request')) setCases((await api.cases()).cases);
    if (may(me, 'retention')) setDeletions((await api.waitingDeletions()).waiting);
    setAlerts((await api.alerts(true)).alerts);
  }, 30_000);
  const ago = (at: string): string => format.durationBetween(parseInstant(at), serverNow(), lang);
  const alertWords = (alert: Alert): string => {
    const text = named(t.alerts.kinds, alert.kind) ?? alert.kind;
    const n = format.number(alert.cameras.length, lang);
    return fill(text, { subject: alert.subject || t.alerts.allCameras, n });
  };
  const items: Item[] = [
    ...deletions
      .filter((one) => one.confirmed_by === null && one.segments > 0)
      .map((one) => ({
        key: `deletion ${one.cause}`,
        sign: 'storage' as const,
        text: fill(w.deletion, { hours: format.number(Math.floor(one.hours), lang), cameras: one.cameras }),
        more: format.bytes(one.bytes, lang),
        to: href('storage'),
        due: ago(one.since),
      })),
    ...cases.flatMap((item) =>
      item.requests
        .filter((made) => made.may_decide)
        .map((made) => ({
          key: made.id,
          sign: 'cases' as const,
          text: fill(w.request, { who: made.requester, number: item.number }),
          more: made.names.slice(0, 3).join(', '),
          to: objectHref('case', item.id),
          due: ago(made.requested),
        })),
    ),
    ...orders
      .filter((one) => one.overdue)
      .map((one) => ({
        key: one.id,
        sign: 'orders' as const,
        text: fill(w.order, { letter: one.letter ?? one.id }),
        more: one.expected_end ? format.date(parseInstant(one.expected_end), lang, me.zone) : '',
        to: href('orders'),
        due: one.expected_end ? ago(one.expected_end) : '',
      })),
    ...(forecast && forecast.misses.length > 0
      ? [
          {
            key: 'forecast',
            sign: 'storage' as const,
            text: fill(w.promise, { n: format.number(forecast.misses.length, lang) }),
            more: '',
            to: href('storage'),
            due: '',
          },
        ]
      : []),
    ...alerts
      .filter((alert) => !OF_CAMERAS.includes(alert.kind) && !alert.acknowledged)
      .map((alert) => ({
        key: alert.id,
        sign: 'warn' as const,
        text: alertWords(alert),
        more: '',
        to: href('alerts'),
        due: ago(alert.since),
      })),
  ];
  return (
    <section class="sec" data-testid="waits" data-count={items.length}>
      <header>
        <h2>{w.title}</h2>
        <span class="cap">{items.length}</span>
      </header>
      {items.length === 0 ? <p class="mut">{w.none}</p> : null}
      {items.map((item) => (
        <a key={item.key} class="wait" href={item.to} data-testid="wait">
          <Sign name={item.sign} />
          <b class="strong">{item.text}</b>
          <span class="due mut">{item.due}</span>
          {item.more ? <p translate={false}>{item.more}</p> : null}
        </a>
      ))}
    </section>
  );
}
