// The links to an export: for whom, until when, how often used; and their end.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { parseInstant } from '../../shared/time/instant';
import type { Export, ExportLink } from '../../shared/api/schema';
import { Confirm } from '../../shared/ui/dialog';
import { Time } from '../../shared/ui/time';
import { Table } from '../../shared/ui/table';

export function ExportLinks({ item, zone, onChange }: { item: Export; zone: string; onChange: () => void }) {
  const { t } = useWords();
  const l = t.link;
  const [ending, setEnding] = useState<ExportLink | null>(null);
  if (item.links.length === 0) return null;
  return (
    <>
      <Table testid="export-links" heads={[l.recipient, l.until, l.state, l.openings, l.downloads, t.admin.actions]}>
        {item.links.map((one) => (
          <tr key={one.id} data-testid="link-row" data-state={one.state}>
            <td data-label={l.recipient}>
              {one.recipient}
              <span class="hint"> {fill(l.madeBy, { who: one.made_by })}</span>
            </td>
            <td data-label={l.until} class="nowrap">
              <Time at={parseInstant(one.until)} zone={zone} />
            </td>
            <td data-label={l.state}>{l.states[one.state] ?? one.state}</td>
            <td data-label={l.openings}>{one.openings}</td>
            <td data-label={l.downloads}>
              {one.downloads}
              {one.used ? (
                <span class="hint">
                  {' '}
                  <Time at={parseInstant(one.used)} zone={zone} />
                </span>
              ) : null}
            </td>
            <td data-label={t.admin.actions}>
              {one.state === 'valid' ? (
                <button type="button" class="small danger" data-testid="link-revoke" onClick={() => setEnding(one)}>
                  {l.revoke}
                </button>
              ) : null}
            </td>
          </tr>
        ))}
      </Table>
      {ending ? (
        <Confirm
          title={fill(l.forWhom, { who: ending.recipient })}
          text={l.revokeText}
          action={l.revoke}
          work={() => api.revokeLink(item.id, ending.id)}
          onDone={onChange}
          onClose={() => setEnding(null)}
        />
      ) : null}
    </>
  );
}
