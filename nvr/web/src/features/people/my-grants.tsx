// What one may do oneself, and why.

import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { parseInstant } from '../../shared/time/instant';
import { ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { Time } from '../../shared/ui/time';
import { FootageWords, roleName } from './grant-words';

export function MyGrants({ zone }: { zone: string }) {
  const { t } = useWords();
  const a = t.access;
  const list = useList(async () => (await api.myGrants()).grants);
  return (
    <>
      <ErrorText text={list.error} testid="my-grants-error" />
      {list.items?.length === 0 ? <p>{a.mineNone}</p> : null}
      <ul class="plain" data-testid="my-grants">
        {(list.items ?? []).map((grant) => (
          <li key={grant.id}>
            <b>{roleName(grant.gives, t.roles)}</b>, {grant.cameras === '*' ? a.all : grant.cameras},{' '}
            <FootageWords grant={grant} zone={zone} />,{' '}
            {grant.until === null ? (
              a.untilRevoked
            ) : (
              <>
                {a.until} <Time at={parseInstant(grant.until)} zone={zone} />
              </>
            )}
            : {fill(a.whyBy, { reason: grant.reason, by: grant.made_by })}
          </li>
        ))}
      </ul>
    </>
  );
}
