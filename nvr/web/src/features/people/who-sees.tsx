// Who may do what with one camera, and by which right.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { CameraHolders } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { CameraChips, type NamedCamera } from '../cases/camera-chips';
import { MayWords, roleName } from './grant-words';
import { WhyMay } from './why-may';

export function WhoSees() {
  const { t } = useWords();
  const a = t.access;
  const [camera, setCamera] = useState<NamedCamera[]>([]);
  const [found, setFound] = useState<CameraHolders | null>(null);
  const action = useAction();
  return (
    <div class="who-sees" data-testid="who-sees">
      <CameraChips
        chosen={camera}
        testid="who-camera"
        onChosen={(next) => {
          const one = next.slice(-1);
          setCamera(one);
          setFound(null);
          if (one[0]) void action.run(async () => setFound(await api.whoSees(one[0]!.id)));
        }}
      />
      <ErrorText text={action.error} testid="who-error" />
      {found?.holders.length === 0 ? <p class="note">{a.nobody}</p> : null}
      {found && found.holders.length > 0 ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="t people-table">
            <thead>
              <tr>
                <th scope="col">{a.who}</th>
                <th scope="col">{a.gives}</th>
                <th scope="col">{a.why}</th>
              </tr>
            </thead>
            <tbody>
              {found.holders.map((holder) => (
                <tr key={holder.name} data-testid="who-row" data-user={holder.name}>
                  <td class="strong" translate={false}>
                    {holder.name}
                  </td>
                  <td>
                    <MayWords actions={holder.actions} />
                  </td>
                  <td>
                    {holder.grants.map((grant) => (
                      <div key={grant.id}>
                        {roleName(grant.gives, t.roles)}{' '}
                        <span class="mut">{fill(a.whyBy, { reason: grant.reason, by: grant.made_by })}</span>
                      </div>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {camera[0] ? <WhyMay key={camera[0].id} camera={camera[0].id} /> : null}
    </div>
  );
}
