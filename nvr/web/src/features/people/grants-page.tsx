// Who may do what with which cameras, which of their footage, until when, and why.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Grant, Me } from '../../shared/api/schema';
import { parseInstant } from '../../shared/time/instant';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { GrantForm } from './grant-form';
import { FootageWords, roleName } from './grant-words';
import { PeopleTabs } from './people-tabs';
import './people.css';
import { Table } from '../../shared/ui/table';
import { Time } from '../../shared/ui/time';

export function GrantsPage({ me }: { me: Me }) {
  const { t } = useWords();
  const a = t.access;
  const list = useList(async () => (await api.grants()).grants);
  const [giving, setGiving] = useState(false);
  const [revoking, setRevoking] = useState<Grant | null>(null);
  return (
    <div>
      <header class="page-head">
        <div>
          <h1>{a.title}</h1>
          <p>{a.text}</p>
        </div>
        <button type="button" class="primary" data-testid="give-grant" onClick={() => setGiving(true)}>
          {a.give}
        </button>
      </header>
      <PeopleTabs current="grants" />
      <ErrorText text={list.error} testid="list-error" />
      {list.items ? (
        <Table class="t people-table" heads={[a.who, a.gives, a.cameras, a.footage, a.until, a.why, t.admin.actions]}>
          {list.items.map((grant) => (
            <tr key={grant.id} data-testid="grant-row" data-grant={grant.id}>
              <td data-label={a.who}>{grant.holder_name ?? grant.holder}</td>
              <td data-label={a.gives}>{roleName(grant.gives, t.roles)}</td>
              <td data-label={a.cameras}>{grant.cameras === '*' ? a.all : grant.cameras}</td>
              <td data-label={a.footage}>
                <FootageWords grant={grant} zone={me.zone} />
              </td>
              <td data-label={a.until}>
                {grant.until === null ? a.untilRevoked : <Time at={parseInstant(grant.until)} zone={me.zone} />}
                {grant.in_force ? null : <span class="muted"> ({a.notInForce})</span>}
              </td>
              <td data-label={a.why}>{fill(a.whyBy, { reason: grant.reason, by: grant.made_by })}</td>
              <td data-label={t.admin.actions} class="row-actions">
                <button
                  type="button"
                  class="small danger"
                  data-testid="revoke-grant"
                  onClick={() => setRevoking(grant)}
                >
                  {t.admin.revoke}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      {giving ? (
        <GrantForm
          me={me}
          onClose={() => setGiving(false)}
          onDone={() => {
            setGiving(false);
            list.reload();
          }}
        />
      ) : null}
      {revoking ? (
        <Confirm
          title={fill(a.revokeTitle, { name: revoking.holder_name ?? revoking.holder })}
          text={a.revokeText}
          action={t.admin.revoke}
          work={() => api.revokeGrant(revoking.id)}
          onDone={list.reload}
          onClose={() => setRevoking(null)}
        />
      ) : null}
    </div>
  );
}
