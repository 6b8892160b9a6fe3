// One user: what they may do and by which right, where they are logged in, and what can be done about it.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Grant, Group, Me, User } from '../../shared/api/schema';
import { href } from '../../router';
import { serverNow } from '../../session';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { Confirm, Dialog, ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { Sign } from '../../shared/ui/signs';
import { Time } from '../../shared/ui/time';
import { GrantForm } from './grant-form';
import { FootageWords, MayWords, roleName } from './grant-words';
import { PasswordForm } from './password-form';

type Asking = 'grant' | 'password' | 'factors' | 'sessions' | 'remove' | null;

export function PersonSheet({
  user,
  groups,
  grants,
  me,
  onChange,
}: {
  user: User;
  /** Those that they are in. */
  groups: readonly Group[];
  /** Of the user and of the groups. */
  grants: readonly Grant[];
  me: Me;
  onChange: () => void;
}) {
  const { t, lang } = useWords();
  const a = t.access;
  const [asking, setAsking] = useState<Asking>(null);
  const [ending, setEnding] = useState<Grant | null>(null);
  const sessions = useList(async () => (await api.sessionsOf(user.name)).sessions);
  const close = (): void => setAsking(null);
  const isMe = user.name === me.user;
  return (
    <aside class="person-sheet" aria-label={user.name} data-testid="person" data-user={user.name}>
      <header class="row">
        <div class="grow">
          <h2 translate={false}>{user.name}</h2>
          <p class="mut">
            {[
              user.role === null ? null : t.roles[user.role],
              groups.length > 0 ? fill(a.inGroups, { groups: groups.map((group) => group.name).join(', ') }) : null,
              user.must_change_password ? t.admin.mustSetPassword : null,
            ]
              .filter(Boolean)
              .join(' · ') || '–'}
          </p>
        </div>
        <a class="ib" href={href('users')} aria-label={t.close}>
          <Sign name="cross" />
        </a>
      </header>
      <div class="person-body" tabIndex={0}>
        {grants.length === 0 ? <p class="mut">{a.noRights}</p> : null}
        {grants.map((grant) => {
          const group = groups.find((one) => one.id === grant.holder);
          return (
            <section key={grant.id} class="one-grant" data-testid="person-grant">
              <h3>
                {group ? a.fromGroup : grant.request ? a.forRequest : a.own}{' '}
                <span class="faint" translate={false}>
                  {group ? group.name : grant.reason}
                </span>
                {grant.in_force && !group ? (
                  <button type="button" class="small danger" data-testid="end-grant" onClick={() => setEnding(grant)}>
                    {a.endNow}
                  </button>
                ) : null}
              </h3>
              <dl>
                <dt>{t.admin.role}</dt>
                <dd>{roleName(grant.gives, t.roles)}</dd>
                <dt>{a.camerasShort}</dt>
                <dd>
                  <span class="chip">{grant.cameras === '*' ? a.all : grant.cameras}</span>
                </dd>
                <dt>{a.may}</dt>
                <dd>
                  <MayWords actions={grant.actions} />
                </dd>
                <dt>{a.footageShort}</dt>
                <dd>
                  <FootageWords grant={grant} zone={me.zone} />
                </dd>
                <dt>{a.until}</dt>
                <dd>
                  {grant.until === null ? (
                    a.untilRevoked
                  ) : (
                    <>
                      <Time at={parseInstant(grant.until)} zone={me.zone} />
                      {parseInstant(grant.until) > serverNow() ? (
                        <span class="mut">
                          {' '}
                          {fill(a.inLength, {
                            length: format.durationBetween(serverNow(), parseInstant(grant.until), lang),
                          })}
                        </span>
                      ) : null}
                    </>
                  )}
                  {grant.in_force ? null : <span class="tx-network"> ({a.notInForce})</span>}
                </dd>
                <dt>{a.givenBy}</dt>
                <dd>
                  {grant.made_by}, {format.date(parseInstant(grant.made), lang, me.zone)}
                </dd>
              </dl>
            </section>
          );
        })}
        <section class="one-grant">
          <h3>{a.loggedIn}</h3>
          <ErrorText text={sessions.error} testid="person-sessions-error" />
          <ul>
            {(sessions.items ?? []).map((one) => (
              <li key={one.id} class="mut">
                {one.address} · {format.shortDateTime(parseInstant(one.seen ?? one.began), serverNow(), lang, me.zone)}
              </li>
            ))}
          </ul>
          {sessions.items?.length === 0 ? <p class="mut">{a.nowhere}</p> : null}
        </section>
      </div>
      <footer>
        <button type="button" class="primary" data-testid="person-give" onClick={() => setAsking('grant')}>
          {a.give}
        </button>
        <button type="button" data-testid="change-password" onClick={() => setAsking('password')}>
          {t.admin.changePassword}
        </button>
        {isMe ? null : (
          <>
            <button type="button" data-testid="reset-factors" onClick={() => setAsking('factors')}>
              {t.factor.reset}
            </button>
            {sessions.items && sessions.items.length > 0 ? (
              <button type="button" class="danger" data-testid="end-sessions" onClick={() => setAsking('sessions')}>
                {fill(a.endSessions, { n: sessions.items.length })}
              </button>
            ) : null}
            <button type="button" class="danger" data-testid="remove-user" onClick={() => setAsking('remove')}>
              {t.remove}
            </button>
          </>
        )}
      </footer>
      {asking === 'grant' ? (
        <GrantForm
          me={me}
          to={user.name}
          onClose={close}
          onDone={() => {
            close();
            onChange();
          }}
        />
      ) : null}
      {asking === 'password' ? (
        <Dialog title={fill(t.admin.changePasswordOf, { name: user.name })} testid="password-dialog" onClose={close}>
          <PasswordForm user={user.name} own={isMe} />
        </Dialog>
      ) : null}
      {asking === 'factors' ? (
        <Confirm
          title={fill(t.factor.resetTitle, { name: user.name })}
          text={t.factor.resetText}
          action={t.factor.reset}
          work={() => api.resetFactors(user.name)}
          onDone={onChange}
          onClose={close}
        />
      ) : null}
      {asking === 'sessions' ? (
        <Confirm
          title={fill(a.endSessionsTitle, { name: user.name })}
          text={a.endSessionsText}
          action={t.account.sessionEnd}
          work={() => Promise.all((sessions.items ?? []).map((one) => api.endLogin(one.id)))}
          onDone={sessions.reload}
          onClose={close}
        />
      ) : null}
      {asking === 'remove' ? (
        <Confirm
          title={fill(t.admin.removeUser, { name: user.name })}
          text={t.admin.removeUserText}
          action={t.remove}
          work={() => api.removeUser(user.name)}
          onDone={onChange}
          onClose={close}
        />
      ) : null}
      {ending ? (
        <Confirm
          title={fill(a.revokeTitle, { name: user.name })}
          text={a.revokeText}
          action={t.admin.revoke}
          work={() => api.revokeGrant(ending.id)}
          onDone={onChange}
          onClose={() => setEnding(null)}
        />
      ) : null}
    </aside>
  );
}
