// One order: its letter, what citizens read of it, where its cameras are, which of them it still switches off, and
// what revoked it.

import { useEffect, useMemo, useState } from 'preact/hooks';
import type { PageProps } from '../../page-def';
import { cameraHref, href } from '../../router';
import { may } from '../../session';
import * as api from '../../shared/api/client';
import { hasWords, placeOf, useFleet, wordsIn } from '../../shared/fleet';
import type { Directive } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { dayBounds } from '../../shared/time/zone';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { Mark } from '../../shared/ui/mark';
import { Sign } from '../../shared/ui/signs';
import { Time } from '../../shared/ui/time';
import { placed, type Placed } from '../map/projection';
import { SmallMap } from '../map/small-map';
import { RevokeForm } from './revoke-form';
import './orders.css';

const MOST_LISTED = 200;

export function OrderPage({ me, id }: PageProps) {
  const { t, lang } = useWords();
  const o = t.orders;
  const v = t.publicView;
  const { rows, byId } = useFleet();
  const [order, setOrder] = useState<Directive | null>(null);
  const [revoking, setRevoking] = useState(false);
  const [search, setSearch] = useState('');
  const action = useAction();
  const load = (): void => void action.run(async () => setOrder(await api.oneOrder(id)));
  useEffect(load, [id]);
  useEffect(() => {
    if (order) document.title = `${order.letter ?? order.reason} – nvr`;
  }, [order]);
  const members = order?.members ?? [];
  const places = useMemo((): Placed[] => {
    const ofOrder = new Map(members.map((member) => [member.camera, member.revocation]));
    return placed((rows ?? []).filter((row) => ofOrder.has(row.id))).map((one) =>
      ofOrder.get(one.row.id) === null ? { ...one, kind: 'decision' } : one,
    );
  }, [members, rows]);
  if (!order)
    return (
      <div>
        <ErrorText text={action.error} testid="order-error" />
        {action.error ? null : <p role="status">{t.loading}</p>}
      </div>
    );
  const n = (value: number): string => format.number(value, lang);
  const citizens = members.filter(
    ({ camera, revocation }) =>
      revocation === null && ['yes', 'status'].includes(byId.get(camera)?.labels['public']?.toLowerCase() ?? ''),
  ).length;
  const words = wordsIn(search);
  const shown = members
    .map((member) => ({ member, row: byId.get(member.camera) }))
    .filter(({ row, member }) => (row ? hasWords(row, words) : words.every((word) => member.camera.includes(word))));
  const date = (text: string): string => format.date(dayBounds(text, me.zone).start, lang, me.zone);
  return (
    <div class="one-order" data-testid="order-page" data-state={order.state} data-left={order.left}>
      <header class="page-head">
        <div>
          <p class="crumb">
            <a href={href('orders')}>{o.title}</a>
          </p>
          <h1 translate={false}>{order.letter ?? order.reason}</h1>
          <p>
            {order.letter_date ? `${fill(v.letterOf, { date: date(order.letter_date) })} ` : ''}
            {order.reason}
          </p>
        </div>
        {may(me, 'orders') && order.left > 0 && order.state !== 'ended' ? (
          <button type="button" class="danger" data-testid="revoke" onClick={() => setRevoking(true)}>
            {o.revoke}
          </button>
        ) : null}
      </header>
      <div class="facts">
        <div>
          <span class="lbl">{o.state}</span>
          <span class="big">
            {order.state === 'in_force' ? <Mark kind="decision">{o.states.in_force}</Mark> : o.states[order.state]}
          </span>
          {order.overdue ? <span class="sub tx-decision">{o.overdue}</span> : null}
        </div>
        <div>
          <span class="lbl">{o.switchedOff}</span>
          <span class="big">{n(order.left)}</span>
          <span class="sub">{fill(o.ofAll, { n: n(order.cameras) })}</span>
        </div>
        <div>
          <span class="lbl">{o.start}</span>
          <span class="big">{format.date(parseInstant(order.start), lang, me.zone)}</span>
          <span class="sub">
            {format.clock(parseInstant(order.start), lang, me.zone)}{' '}
            {format.zoneName(parseInstant(order.start), lang, me.zone)}
          </span>
        </div>
        <div>
          <span class="lbl">{order.end ? o.end : o.expectedEnd}</span>
          <span class="big">
            {order.end || order.expected_end
              ? format.date(parseInstant((order.end ?? order.expected_end)!), lang, me.zone)
              : '–'}
          </span>
          <span class="sub">{order.end ? '' : o.untilRevoked}</span>
        </div>
      </div>
      <div class="order-two">
        <section class="sec">
          <header>
            <h2>{o.citizensTitle}</h2>
          </header>
          {citizens > 0 && order.letter && order.state === 'in_force' ? (
            <div class="note decision citizens-read" data-testid="order-citizens">
              <i class="h decision" aria-hidden="true" />
              <p>
                <b class="strong">{fill(v.byLetter, { n: n(citizens), letter: order.letter })}</b>
                <br />
                <span class="mut">
                  {order.letter_date ? `${fill(v.letterOf, { date: date(order.letter_date) })} ` : ''}
                  {order.expected_end
                    ? fill(v.expectedEnd, { date: format.date(parseInstant(order.expected_end), lang, me.zone) })
                    : v.untilRevoked}
                </span>
              </p>
            </div>
          ) : (
            <p class="mut">{o.citizensNothing}</p>
          )}
          <dl class="facts order-facts">
            <dt>{o.approver}</dt>
            <dd>{order.approver || '–'}</dd>
            <dt>{o.enteredBy}</dt>
            <dd>
              {order.entered_by}, <Time at={parseInstant(order.entered)} zone={me.zone} />
            </dd>
            {order.selection && order.selection !== 'ids' ? (
              <>
                <dt>{o.choose}</dt>
                <dd>{order.selection}</dd>
              </>
            ) : null}
            {order.local_copy_until ? (
              <>
                <dt>{o.localCopy}</dt>
                <dd>
                  <Time at={parseInstant(order.local_copy_until)} zone={me.zone} />
                </dd>
              </>
            ) : null}
          </dl>
          {order.attachment && may(me, 'report') ? (
            <p class="file-box">
              <Sign name="file" />
              <a
                href={api.attachmentUrl(order.id)}
                download={order.attachment_name ?? ''}
                data-testid="attachment"
                translate={false}
              >
                {order.attachment_name ?? o.file}
              </a>
              <span class="cap mono" title={order.attachment}>
                SHA-256 {order.attachment.slice(0, 4)}…{order.attachment.slice(-4)}
              </span>
            </p>
          ) : null}
          {order.revocations.length > 0 ? (
            <>
              <h3>{o.revocations}</h3>
              <ul class="list">
                {order.revocations.map((one) => (
                  <li key={one.id} class="one-revocation" data-testid="revocation">
                    <Time at={parseInstant(one.start)} zone={me.zone} />: {one.reason}{' '}
                    {one.letter ? `(${one.letter})` : ''}{' '}
                    <span class="mut">
                      {fill(o.revokedFor, { n: n(one.cameras), by: one.approver ?? one.entered_by })}
                    </span>
                  </li>
                ))}
              </ul>
            </>
          ) : null}
          {places.length > 0 ? <SmallMap found={places} label={o.mapLabel} /> : null}
        </section>
        <section class="sec">
          <header>
            <h2>
              {o.cameras} <span class="faint">{n(members.length)}</span>
            </h2>
          </header>
          {members.length > 12 ? (
            <TextField
              label={t.cameras.search}
              type="search"
              data-testid="order-search"
              value={search}
              onValue={setSearch}
            />
          ) : null}
          <ul class="list order-cameras">
            {shown.slice(0, MOST_LISTED).map(({ member, row }) => (
              <li key={member.camera} data-testid="order-camera" data-revoked={member.revocation !== null}>
                <a href={cameraHref(member.camera)} translate={false}>
                  {row?.name || member.camera}
                </a>
                <span class="mut ell" translate={false}>
                  {row ? placeOf(row) : ''}
                </span>
                {member.revocation === null ? (
                  <Mark kind="decision">{o.isOff}</Mark>
                ) : (
                  <span class="mut">{o.isRevoked}</span>
                )}
              </li>
            ))}
          </ul>
          {shown.length > MOST_LISTED ? (
            <p class="hint">{fill(t.gapList.more, { n: n(shown.length - MOST_LISTED) })}</p>
          ) : null}
        </section>
      </div>
      {revoking ? (
        <RevokeForm
          directive={order}
          zone={me.zone}
          onDone={() => {
            setRevoking(false);
            load();
          }}
          onClose={() => setRevoking(false)}
        />
      ) : null}
    </div>
  );
}
