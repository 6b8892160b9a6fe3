// Where somebody is logged in, and logging out there.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { LoginSession, Me } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { Confirm, ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';

export function SessionList({ me }: { me: Me }) {
  const { t, lang } = useWords();
  const a = t.account;
  const list = useList(async () => (await api.sessions()).sessions);
  const [ending, setEnding] = useState<LoginSession | null>(null);
  const time = (at: string | null) => (at === null ? '–' : format.dateTime(parseInstant(at), lang, me.zone));
  return (
    <section class="panel" data-testid="sessions">
      <h2>{a.sessions}</h2>
      <ErrorText text={list.error} testid="sessions-error" />
      <ul class="plain">
        {(list.items ?? []).map((one) => (
          <li key={one.id} data-testid="session" data-current={one.current ? 'yes' : 'no'}>
            {one.address} {one.current ? <strong>({a.sessionHere})</strong> : null}
            <br />
            <span class="muted">
              {fill(a.sessionSince, { began: time(one.began), seen: time(one.seen) })}
              <br />
              {one.agent}
            </span>{' '}
            {one.current ? null : (
              <button type="button" class="small danger" data-testid="end-session" onClick={() => setEnding(one)}>
                {a.sessionEnd}
              </button>
            )}
          </li>
        ))}
      </ul>
      {ending ? (
        <Confirm
          title={a.sessionEnd}
          text={`${ending.address} · ${ending.agent}`}
          action={a.sessionEnd}
          work={() => api.endLogin(ending.id)}
          onDone={list.reload}
          onClose={() => setEnding(null)}
        />
      ) : null}
    </section>
  );
}
