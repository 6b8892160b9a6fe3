// The links to an export: for whom, until when, how often used; and their end.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { parseInstant } from '../../shared/time/instant';
import type { Export, ExportLink } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Confirm } from '../../shared/ui/dialog';
import { Time } from '../../shared/ui/time';

export function ExportLinks({ item, zone, onChange }: { item: Export; zone: string; onChange: () => void }) {
  const { t } = useWords();
  const l = t.link;
  const [ending, setEnding] = useState<ExportLink | null>(null);
  const action = useAction();
  if (item.links.length === 0) return null;
  return (
    <>
      <div class="table-scroll">
        <table class="gaps" data-testid="export-links">
          <thead>
            <tr>
              <th scope="col">{l.recipient}</th>
              <th scope="col">{l.until}</th>
              <th scope="col">{l.state}</th>
              <th scope="col">{l.openings}</th>
              <th scope="col">{l.downloads}</th>
              <th scope="col">{t.admin.actions}</th>
            </tr>
          </thead>
          <tbody>
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
          </tbody>
        </table>
      </div>
      {ending ? (
        <Confirm
          title={fill(l.forWhom, { who: ending.recipient })}
          text={l.revokeText}
          action={l.revoke}
          error={action.error}
          busy={action.busy}
          onClose={() => setEnding(null)}
          onConfirm={() =>
            void action
              .run(() => api.revokeLink(item.id, ending.id))
              .then((ok) => {
                if (!ok) return;
                setEnding(null);
                onChange();
              })
          }
        />
      ) : null}
    </>
  );
}
