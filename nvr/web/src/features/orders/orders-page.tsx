// What people decided about recording: orders, maintenance windows, schedules.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { href, objectHref } from '../../router';
import { may } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { dayBounds } from '../../shared/time/zone';
import type { PageProps } from '../../page-def';
import type { Directive, DirectiveKind, Me } from '../../shared/api/schema';
import { ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { Mark } from '../../shared/ui/mark';
import { Time } from '../../shared/ui/time';
import { RevokeForm } from './revoke-form';
import { WindowForm } from './window-form';
import './orders.css';

const KINDS: readonly DirectiveKind[] = ['order', 'maintenance', 'schedule'];

export function OrdersPage({ me, params }: PageProps) {
  const { t } = useWords();
  const o = t.orders;
  return (
    <div>
      <header class="page-head">
        <div>
          <h1>{o.title}</h1>
          <p>{o.text}</p>
        </div>
        {may(me, 'orders') ? (
          <a class="btn primary" href={href('new-order')} data-testid="add-order">
            {o.add.order}
          </a>
        ) : null}
      </header>
      {KINDS.map((kind) => (
        <Kind
          key={kind}
          kind={kind}
          me={me}
          sought={kind === 'order' ? params.get('letter') : null}
          cameras={kind === 'maintenance' ? (params.get('maintenance') ?? '').split(',').filter(Boolean) : []}
        />
      ))}
    </div>
  );
}

/** `sought`: the letter that was looked for elsewhere. `cameras`: those that were chosen elsewhere for a new one. */
function Kind({
  kind,
  me,
  sought,
  cameras,
}: {
  kind: DirectiveKind;
  me: Me;
  sought: string | null;
  cameras: readonly string[];
}) {
  const { t } = useWords();
  const o = t.orders;
  const list = useList(() => api.directives(kind));
  const [adding, setAdding] = useState(cameras.length > 0 && may(me, 'orders'));
  const [revoking, setRevoking] = useState<Directive | null>(null);
  const mayChange = may(me, 'orders');
  const done = (): void => {
    setAdding(false);
    setRevoking(null);
    list.reload();
  };
  return (
    <section class="sec" data-testid={`${kind}-list`}>
      <header>
        <h2>{o.kinds[kind]}</h2>
        <span class="hint grow">{o.kindTexts[kind]}</span>
        {mayChange && kind !== 'order' ? (
          <button type="button" data-testid={`add-${kind}`} onClick={() => setAdding(true)}>
            {o.add[kind]}
          </button>
        ) : null}
      </header>
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p class="mut">{o.none[kind]}</p> : null}
      {list.items && list.items.length > 0 ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="t directives">
            <thead>
              <tr>
                <th scope="col">{kind === 'order' ? o.letter : o.reason}</th>
                <th scope="col">{o.state}</th>
                <th scope="col" class="num">
                  {o.cameras}
                </th>
                <th scope="col">{o.start}</th>
                <th scope="col">{o.end}</th>
                <th scope="col">{o.revocations}</th>
                <th scope="col">{t.admin.actions}</th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((item) => (
                <Row
                  key={item.id}
                  item={item}
                  me={me}
                  isSought={sought !== null && item.letter === sought}
                  onRevoke={mayChange ? () => setRevoking(item) : null}
                />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {adding && kind !== 'order' ? (
        <WindowForm kind={kind} zone={me.zone} cameras={cameras} onDone={done} onClose={() => setAdding(false)} />
      ) : null}
      {revoking ? (
        <RevokeForm directive={revoking} zone={me.zone} onDone={done} onClose={() => setRevoking(null)} />
      ) : null}
    </section>
  );
}

function Row({
  item,
  me,
  isSought,
  onRevoke,
}: {
  item: Directive;
  me: Me;
  isSought: boolean;
  onRevoke: (() => void) | null;
}) {
  const { t, lang } = useWords();
  const o = t.orders;
  const head = item.kind === 'order' ? o.letter : o.reason;
  return (
    <tr class={isSought ? 'sought' : ''} data-testid="directive-row" data-state={item.state} data-left={item.left}>
      <td data-label={head} class="said">
        {item.kind === 'order' ? (
          <a class="strong" href={objectHref('order', item.id)} data-testid="order-open" translate={false}>
            {item.letter ?? item.reason}
          </a>
        ) : (
          <strong>{item.reason}</strong>
        )}
        {item.letter_date ? ` (${format.date(dayBounds(item.letter_date, me.zone).start, lang, me.zone)})` : ''}
        <span class="hint">
          {' '}
          {[
            item.letter ? item.reason : null,
            item.approver,
            item.hours ? `${item.hours} (${item.zone})` : null,
            item.selection === 'ids' ? null : item.selection,
            `${o.enteredBy} ${item.entered_by}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
        {item.letter && item.state === 'in_force' ? (
          <span class="hint" data-testid="order-citizens">
            {' '}
            · {fill(o.citizens, { letter: item.letter })}
          </span>
        ) : null}
        {item.attachment && may(me, 'report') ? (
          <>
            {' '}
            <a href={api.attachmentUrl(item.id)} download={item.attachment_name ?? ''} data-testid="attachment">
              {o.file}
            </a>
          </>
        ) : null}
        {item.local_copy_until ? (
          <span class="hint">
            {' '}
            {o.localCopy} <Time at={parseInstant(item.local_copy_until)} zone={me.zone} />
          </span>
        ) : null}
      </td>
      <td data-label={o.state}>
        {item.state === 'in_force' ? (
          <Mark kind={item.kind === 'order' ? 'decision' : 'policy'}>{o.states[item.state]}</Mark>
        ) : (
          o.states[item.state]
        )}
        {item.overdue ? <div class="tx-decision">{o.overdue}</div> : null}
      </td>
      <td data-label={o.cameras} class="num nowrap">
        {item.letter ? (
          <a href={href('cameras', { state: 'off', q: item.letter })}>
            {fill(o.camerasOf, { left: String(item.left), all: String(item.cameras) })}
          </a>
        ) : (
          fill(o.camerasOf, { left: String(item.left), all: String(item.cameras) })
        )}
      </td>
      <td data-label={o.start}>
        <Time at={parseInstant(item.start)} zone={me.zone} />
      </td>
      <td data-label={o.end}>
        {item.end ? (
          <Time at={parseInstant(item.end)} zone={me.zone} />
        ) : item.expected_end ? (
          <>
            {o.expectedEnd} <Time at={parseInstant(item.expected_end)} zone={me.zone} />
          </>
        ) : (
          o.untilRevoked
        )}
      </td>
      <td data-label={o.revocations} class="said">
        {item.revocations.map((r) => (
          <p key={r.id} data-testid="revocation">
            <Time at={parseInstant(r.start)} zone={me.zone} />: {r.reason} {r.letter ? `(${r.letter})` : ''}{' '}
            <span class="hint">{fill(o.revokedFor, { n: String(r.cameras), by: r.approver ?? r.entered_by })}</span>
          </p>
        ))}
      </td>
      <td data-label={t.admin.actions} class="row-actions">
        {onRevoke && item.left > 0 && item.state !== 'ended' ? (
          <button type="button" class="small danger" data-testid="revoke" onClick={onRevoke}>
            {item.kind === 'order' ? o.revoke : o.endIt}
          </button>
        ) : null}
      </td>
    </tr>
  );
}
