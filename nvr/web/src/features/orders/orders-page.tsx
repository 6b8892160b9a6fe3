// What people decided about recording: orders, maintenance windows, schedules.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { href } from '../../router';
import { may } from '../../session';
import { parseInstant } from '../../shared/time/instant';
import type { PageProps } from '../../page-def';
import type { Directive, DirectiveKind, Me } from '../../shared/api/schema';
import { ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { Time } from '../../shared/ui/time';
import { OrderForm } from './order-form';
import { RevokeForm } from './revoke-form';
import { WindowForm } from './window-form';

const KINDS: readonly DirectiveKind[] = ['order', 'maintenance', 'schedule'];

export function OrdersPage({ me, params }: PageProps) {
  const { t } = useWords();
  const o = t.orders;
  useEffect(() => {
    document.title = `${o.title} – nvr`;
  }, [o]);
  return (
    <div>
      <header class="page-head">
        <h1>{o.title}</h1>
      </header>
      <p class="muted">{o.text}</p>
      {KINDS.map((kind) => (
        <Kind key={kind} kind={kind} me={me} cameras={kind === 'order' ? (params.get('cameras') ?? '') : ''} />
      ))}
    </div>
  );
}

/** `cameras`: ids that were chosen elsewhere for a new one. */
function Kind({ kind, me, cameras }: { kind: DirectiveKind; me: Me; cameras: string }) {
  const { t } = useWords();
  const o = t.orders;
  const list = useList(() => api.directives(kind));
  const [adding, setAdding] = useState(cameras !== '' && may(me, 'orders'));
  const [revoking, setRevoking] = useState<Directive | null>(null);
  const mayChange = may(me, 'orders');
  const done = (): void => {
    setAdding(false);
    setRevoking(null);
    list.reload();
  };
  return (
    <section class="panel" data-testid={`${kind}-list`}>
      <header class="page-head">
        <h2>{o.kinds[kind]}</h2>
        {mayChange ? (
          <button
            type="button"
            class={kind === 'order' ? 'primary' : ''}
            data-testid={`add-${kind}`}
            onClick={() => setAdding(true)}
          >
            {o.add[kind]}
          </button>
        ) : null}
      </header>
      <p class="hint">{o.kindTexts[kind]}</p>
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p>{o.none[kind]}</p> : null}
      {list.items && list.items.length > 0 ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="gaps">
            <thead>
              <tr>
                <th scope="col">{kind === 'order' ? o.letter : o.reason}</th>
                <th scope="col">{o.state}</th>
                <th scope="col">{o.cameras}</th>
                <th scope="col">{o.start}</th>
                <th scope="col">{o.end}</th>
                <th scope="col">{o.revocations}</th>
                <th scope="col">{t.admin.actions}</th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((item) => (
                <Row key={item.id} item={item} me={me} onRevoke={mayChange ? () => setRevoking(item) : null} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {adding && kind === 'order' ? (
        <OrderForm cameras={cameras} zone={me.zone} onDone={done} onClose={() => setAdding(false)} />
      ) : null}
      {adding && kind !== 'order' ? (
        <WindowForm kind={kind} zone={me.zone} onDone={done} onClose={() => setAdding(false)} />
      ) : null}
      {revoking ? <RevokeForm directive={revoking} onDone={done} onClose={() => setRevoking(null)} /> : null}
    </section>
  );
}

function Row({ item, me, onRevoke }: { item: Directive; me: Me; onRevoke: (() => void) | null }) {
  const { t } = useWords();
  const o = t.orders;
  const head = item.kind === 'order' ? o.letter : o.reason;
  return (
    <tr data-testid="directive-row" data-state={item.state} data-left={item.left}>
      <td data-label={head}>
        <strong>{item.letter ?? item.reason}</strong>
        {item.letter_date ? ` (${item.letter_date})` : ''}
        <span class="hint">
          {' '}
          {[
            item.letter ? item.reason : null,
            item.approver,
            item.hours ? `${item.hours} (${item.zone})` : null,
            item.selection,
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
        {o.states[item.state]}
        {item.overdue ? <span class="error"> {o.overdue}</span> : null}
      </td>
      <td data-label={o.cameras} class="nowrap">
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
      <td data-label={o.revocations}>
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
