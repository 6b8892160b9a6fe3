// What needs a person: open alerts first, which of a group's cameras are still down, who knows of them, and how it goes
// with those who get messages.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import { may, serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Alert, AlertMember, Me, Recipient } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Dialog, ErrorText } from '../../shared/ui/dialog';

import { useFleet } from '../../shared/fleet';
import { useList } from '../../shared/ui/list';
import { kindOf, Mark } from '../../shared/ui/mark';
import { Time } from '../../shared/ui/time';
import { causeWords } from '../../shared/i18n/words';
import { FormActions, TextField } from '../../shared/ui/form';
import { Table } from '../../shared/ui/table';
import { alertGroups, type AlertGroup } from './alert-groups';

const EVERY_MS = 10_000;
const MOST_CAMERAS = 12;
const MOST_LISTED = 200;

export function AlertsPage({ me }: { me: Me }) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const [all, setAll] = useState(false);
  const [knowing, setKnowing] = useState<AlertGroup | null>(null);
  const { byId } = useFleet();
  const nameOf = (id: string): string => byId.get(id)?.name || id;
  const [recipients, setRecipients] = useState<Recipient[] | null>(null);
  const list = useList(async () => {
    const found = await api.alerts(!all);
    setRecipients(found.recipients);
    return found.alerts;
  });
  useEffect(() => {
    document.title = `${a.title} – nvr`;
    list.reload();
    const timer = setInterval(list.reload, EVERY_MS);
    return () => clearInterval(timer);
  }, [a, all]);
  const words = (alert: Alert): string => {
    const subject = alert.subject.startsWith('cause=')
      ? causeWords(alert.subject.slice('cause='.length), t)
      : nameOf(alert.subject);
    const text = named(a.kinds, alert.kind);
    if (text === undefined) return `${alert.kind} ${subject}`;
    return fill(text, { subject: subject || a.allCameras, n: format.number(alert.cameras.length, lang) });
  };
  const groupWords = (group: AlertGroup): string =>
    group.alerts.length === 1
      ? words(group.alerts[0]!)
      : fill(a.together, {
          n: format.number(group.alerts.length, lang),
          cause: group.cause ? causeWords(group.cause, t) : t.cameras.noCause,
        });
  return (
    <div>
      <header class="page-head">
        <h1>{a.title}</h1>
      </header>
      <label class="check">
        <input
          type="checkbox"
          data-testid="alerts-all"
          checked={all}
          onChange={(e) => setAll(e.currentTarget.checked)}
        />
        <span>{a.all}</span>
      </label>
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? (
        <p class="panel good" data-testid="no-alerts">
          {a.none}
        </p>
      ) : null}
      {list.items && list.items.length > 0 ? (
        <Table panel testid="alerts" heads={[a.what, a.since, a.until, a.cameras, a.state]}>
          {alertGroups(list.items, byId).map((group) => {
            const alert = group.alerts[0]!;
            if (group.alerts.length > 1)
              return (
                <GroupRow
                  key={alert.id}
                  group={group}
                  text={groupWords(group)}
                  me={me}
                  nameOf={nameOf}
                  onKnow={() => setKnowing(group)}
                />
              );
            return (
              <tr key={alert.id} data-testid="alert-row" data-kind={alert.kind} data-open={alert.resolved === null}>
                <td data-label={a.what}>
                  <strong>{words(alert)}</strong>
                  {Object.keys(causesOf(alert)).length > 0 ? (
                    <div class="hint">
                      {Object.entries(causesOf(alert))
                        .map(([cause, n]) => `${causeWords(cause, t)} (${n})`)
                        .join(', ')}
                    </div>
                  ) : null}
                </td>
                <td data-label={a.since} class="nowrap">
                  <Time at={parseInstant(alert.since)} zone={me.zone} />
                </td>
                <td data-label={a.until} class="nowrap">
                  {alert.resolved === null ? a.open : <Time at={parseInstant(alert.resolved)} zone={me.zone} />}
                </td>
                <td data-label={a.cameras}>
                  {alert.members.length > 1 ? (
                    <Members members={alert.members} zone={me.zone} nameOf={nameOf} />
                  ) : (
                    alert.cameras.slice(0, MOST_CAMERAS).map((id, i) => (
                      <span key={id}>
                        {i > 0 ? ', ' : ''}
                        <a href={cameraHref(id)} translate={false}>
                          {nameOf(id)}
                        </a>
                      </span>
                    ))
                  )}
                  {alert.members.length <= 1 && alert.cameras.length > MOST_CAMERAS
                    ? ` ${fill(a.more, { n: format.number(alert.cameras.length - MOST_CAMERAS, lang) })}`
                    : null}
                </td>
                <td data-label={a.state}>
                  {alert.acknowledged_by ? (
                    <div>
                      {fill(a.knows, { who: alert.acknowledged_by })}
                      {alert.note ? `: ${alert.note}` : ''}
                    </div>
                  ) : null}
                  {alert.flaps > 0 ? <div class="hint">{fill(a.flaps, { n: alert.flaps })}</div> : null}
                  {alert.undelivered.map((what) => (
                    <div key={what} class="error">
                      {a.undelivered} {what}
                    </div>
                  ))}
                  {alert.resolved === null && !alert.acknowledged_by && may(me, 'report') ? (
                    <button type="button" class="small" data-testid="acknowledge" onClick={() => setKnowing(group)}>
                      {a.acknowledge}
                    </button>
                  ) : null}
                </td>
              </tr>
            );
          })}
        </Table>
      ) : null}
      {recipients ? <Recipients found={recipients} zone={me.zone} /> : null}
      {knowing ? (
        <Acknowledge
          alerts={knowing.alerts}
          text={groupWords(knowing)}
          onDone={() => {
            setKnowing(null);
            list.reload();
          }}
          onClose={() => setKnowing(null)}
        />
      ) : null}
    </div>
  );
}

/** Cameras that went away together: one row, one word for all of them. */
function GroupRow({
  group,
  text,
  me,
  nameOf,
  onKnow,
}: {
  group: AlertGroup;
  text: string;
  me: Me;
  nameOf: (id: string) => string;
  onKnow: () => void;
}) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const since = group.alerts.reduce((first, one) => (one.since < first ? one.since : first), group.alerts[0]!.since);
  const known = group.alerts.filter((one) => one.acknowledged_by);
  const cameras = group.alerts.map((one) => one.cameras[0] ?? one.subject);
  const undelivered = [...new Set(group.alerts.flatMap((one) => one.undelivered))];
  return (
    <tr data-testid="alert-group" data-count={group.alerts.length} data-open="true">
      <td data-label={a.what}>
        <Mark kind={kindOf(group.class || 'unknown')}>
          <strong>{text}</strong>
        </Mark>
        {group.shared.length > 0 ? (
          <div class="hint" data-testid="alert-shared">
            {fill(a.shared, { what: group.shared.map(([, value]) => value).join(', ') })}
          </div>
        ) : null}
      </td>
      <td data-label={a.since} class="nowrap">
        <Time at={parseInstant(since)} zone={me.zone} />
      </td>
      <td data-label={a.until} class="nowrap">
        {a.open}
      </td>
      <td data-label={a.cameras}>
        <details class="members">
          <summary>{fill(a.stillDown, { n: format.number(cameras.length, lang) })}</summary>
          <ul>
            {cameras.slice(0, MOST_LISTED).map((id) => (
              <li key={id}>
                <a href={cameraHref(id)} translate={false}>
                  {nameOf(id)}
                </a>
              </li>
            ))}
          </ul>
        </details>
      </td>
      <td data-label={a.state}>
        {known.length === group.alerts.length ? (
          <div>
            {fill(a.knows, { who: known[0]!.acknowledged_by! })}
            {known[0]!.note ? `: ${known[0]!.note}` : ''}
          </div>
        ) : may(me, 'report') ? (
          <button type="button" class="small" data-testid="acknowledge" onClick={onKnow}>
            {fill(a.acknowledgeAll, { n: format.number(group.alerts.length, lang) })}
          </button>
        ) : null}
        {undelivered.map((what) => (
          <div key={what} class="error">
            {a.undelivered} {what}
          </div>
        ))}
      </td>
    </tr>
  );
}

/** A group's cameras: those that are down by name and since when; how many are well. */
function Members({ members, zone, nameOf }: { members: AlertMember[]; zone: string; nameOf: (id: string) => string }) {
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
      open={down.length > 0 && down.length <= MOST_CAMERAS}
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

function Recipients({ found, zone }: { found: Recipient[]; zone: string }) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const time = (at: string): string => format.shortDateTime(parseInstant(at), serverNow(), lang, zone);
  return (
    <section
      class="panel table-scroll"
      data-testid="recipients"
      data-failing={found.filter((one) => one.failing_since !== null).length}
    >
      <h2>{a.messages}</h2>
      {found.length === 0 ? (
        <p class="hint" data-testid="no-recipients">
          {a.noRecipients}
        </p>
      ) : (
        <table class="gaps">
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
      )}
    </section>
  );
}

function causesOf(alert: Alert): Record<string, unknown> {
  const { causes, cause } = alert.detail;
  return typeof causes === 'object' && causes !== null
    ? (causes as Record<string, unknown>)
    : typeof cause === 'string'
      ? { [cause]: 1 }
      : {};
}

function Acknowledge({
  alerts,
  text,
  onDone,
  onClose,
}: {
  alerts: Alert[];
  text: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  const a = t.alerts;
  const [note, setNote] = useState('');
  const action = useAction();
  const know = async (word: string): Promise<unknown> =>
    alerts.length === 1
      ? api.acknowledgeAlert(alerts[0]!.id, word)
      : api.acknowledgeAlerts(
          alerts.map((alert) => alert.id),
          word,
        );
  return (
    <Dialog title={a.acknowledgeTitle} testid="acknowledge-form" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(() => know(note.trim())).then((done) => done && onDone());
        }}
      >
        <p>{text}</p>
        <TextField label={a.handOver} data-testid="acknowledge-note" value={note} onValue={setNote} />
        <FormActions action={action} testid="acknowledge-save" onClose={onClose}>
          {a.acknowledge}
        </FormActions>
      </form>
    </Dialog>
  );
}
