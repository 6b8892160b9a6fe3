// How it goes with those who get messages.

import { fill, named, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';
import type { Recipient } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { TopSlot } from '../../frame/top-bar';
import { Mark } from '../../shared/ui/mark';

/** In the bar on top: by what messages arrive, and whether one way is broken. */
export function DeliveryState({ found }: { found: readonly Recipient[] }) {
  const { t } = useWords();
  const a = t.alerts;
  if (found.length === 0) return null;
  const failing = found.filter((one) => one.failing_since !== null);
  const told = failing.length > 0 ? failing : found;
  const ways = [...new Set(told.map((one) => named(a.channels, one.channel) ?? one.channel))].join(', ');
  return (
    <TopSlot>
      <span class="no-phone nowrap" data-testid="delivery">
        <Mark kind={failing.length > 0 ? 'server' : 'ok'}>
          {fill(failing.length > 0 ? a.notDelivered : a.delivered, { ways })}
        </Mark>
      </span>
    </TopSlot>
  );
}

export function Recipients({ found, zone }: { found: Recipient[]; zone: string }) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const time = (at: string): string => format.shortDateTime(parseInstant(at), serverNow(), lang, zone);
  return (
    <section
      class="sec alert-recipients"
      data-testid="recipients"
      data-failing={found.filter((one) => one.failing_since !== null).length}
    >
      <h2>{a.messages}</h2>
      {found.length === 0 ? (
        <p class="hint" data-testid="no-recipients">
          {a.noRecipients}
        </p>
      ) : (
        <div class="table-scroll" tabIndex={0}>
          <table class="t">
            <thead>
              <tr>
                <th scope="col">{a.recipient}</th>
                <th scope="col">{a.state}</th>
                <th scope="col">{a.waiting}</th>
                <th scope="col">{a.lastAccepted}</th>
                <th scope="col">{a.dropped}</th>
              </tr>
            </thead>
            <tbody>
              {found.map((one, i) => (
                <tr
                  key={one.recipient ?? `${one.channel} ${i}`}
                  data-testid="recipient-row"
                  data-channel={one.channel}
                  data-failing={one.failing_since !== null}
                >
                  <td data-label={a.recipient}>
                    {named(a.channels, one.channel) ?? one.channel}
                    {one.recipient ? `: ${one.recipient}` : ''}
                  </td>
                  <td data-label={a.state}>
                    {one.failing_since === null ? (
                      one.accepted === null ? (
                        '–'
                      ) : (
                        <span class="good">{a.delivers}</span>
                      )
                    ) : (
                      <span class="error">{fill(a.failing, { since: time(one.failing_since) })}</span>
                    )}
                    {one.error ? <div class="hint">{one.error}</div> : null}
                  </td>
                  <td data-label={a.waiting}>{format.number(one.waiting, lang)}</td>
                  <td data-label={a.lastAccepted} class="nowrap">
                    {one.accepted === null ? a.never : time(one.accepted)}
                  </td>
                  <td data-label={a.dropped}>{format.number(one.dropped, lang)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
