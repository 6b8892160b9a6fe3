// People: who may log in, by which rights, and until when; beside the list the one who was chosen. Groups, and who may
// see one camera, are its other tabs.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { PageProps } from '../../page-def';
import { href } from '../../router';
import { serverNow } from '../../session';
import type { Grant, Group, User } from '../../shared/api/schema';
import { useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { GroupsPanel } from './groups-panel';
import { PeopleTabs } from './people-tabs';
import { PersonSheet } from './person-sheet';
import { UserForm } from './user-form';
import { WhoSees } from './who-sees';
import './people.css';

export function UsersPage({ me, params }: PageProps) {
  const { t } = useWords();
  const a = t.admin;
  const tab = params.get('tab') === 'groups' ? 'groups' : params.get('tab') === 'camera' ? 'camera' : 'users';
  const users = useList(async () => (await api.users()).users);
  // Who administers some cameras alone has no groups to see.
  const groups = useList(async () => (await api.groups()).groups);
  const grants = useList(async () => (await api.grants()).grants);
  const [adding, setAdding] = useState(false);
  const [search, setSearch] = useState('');
  const reload = (): void => {
    users.reload();
    groups.reload();
    grants.reload();
  };
  const groupsOf = (user: User): Group[] =>
    (groups.items ?? []).filter((group) => group.members.some((one) => one.user === user.name));
  const grantsOf = (user: User): Grant[] => {
    const ids = new Set([user.id, ...groupsOf(user).map((group) => group.id)]);
    return (grants.items ?? []).filter((grant) => ids.has(grant.holder));
  };
  const wanted = search.trim().toLocaleLowerCase();
  const shown = (users.items ?? []).filter((user) =>
    [user.name, ...groupsOf(user).map((group) => group.name)].join(' ').toLocaleLowerCase().includes(wanted),
  );
  const selected = tab === 'users' ? shown.find((user) => user.name === params.get('user')) : undefined;
  return (
    <div class={`people${selected ? ' at-one' : ''}`}>
      <section class="people-list" aria-label={a.usersTitle} tabIndex={0}>
        <PeopleTabs current={tab} />
        {tab === 'groups' ? <GroupsPanel /> : null}
        {tab === 'camera' ? <WhoSees /> : null}
        {tab === 'users' ? (
          <>
            <div class="people-tools">
              <TextField
                label={t.access.search}
                type="search"
                data-testid="user-search"
                value={search}
                onValue={setSearch}
              />
              <span class="grow" />
              <button
                type="button"
                class={selected ? '' : 'primary'}
                data-testid="add-user"
                onClick={() => setAdding(true)}
              >
                {a.addUser}
              </button>
            </div>
            <ErrorText text={users.error ?? grants.error} testid="list-error" />
            {users.items ? (
              <UserTable users={shown} selected={selected} me={me} groupsOf={groupsOf} grantsOf={grantsOf} />
            ) : null}
          </>
        ) : null}
      </section>
      {selected ? (
        <PersonSheet
          key={selected.id}
          user={selected}
          groups={groupsOf(selected)}
          grants={grantsOf(selected)}
          me={me}
          onChange={reload}
        />
      ) : null}
      {adding ? (
        <UserForm
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            reload();
          }}
        />
      ) : null}
    </div>
  );
}

function UserTable({
  users,
  selected,
  me,
  groupsOf,
  grantsOf,
}: {
  users: readonly User[];
  selected: User | undefined;
  me: PageProps['me'];
  groupsOf: (user: User) => Group[];
  grantsOf: (user: User) => Grant[];
}) {
  const { t, lang } = useWords();
  const a = t.admin;
  /** When the last of their rights ends; null: one has no end, or there is none. */
  const until = (user: User): string => {
    const mine = grantsOf(user).filter((grant) => grant.in_force);
    if (mine.length === 0) return '–';
    if (mine.some((grant) => grant.until === null)) return t.access.noEnd;
    return format.date(Math.max(...mine.map((grant) => parseInstant(grant.until!))), lang, me.zone);
  };
  return (
    <div class="table-scroll" tabIndex={0}>
      <table class="t people-table" data-testid="users">
        <thead>
          <tr>
            <th scope="col">{a.userName}</th>
            <th scope="col">{t.access.group}</th>
            <th scope="col">{a.role}</th>
            <th scope="col" class="num">
              {t.access.title}
            </th>
            <th scope="col">{t.access.until}</th>
            <th scope="col">{t.access.lastHere}</th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id} class={user === selected ? 'chosen' : ''} data-testid="user-row" data-user={user.name}>
              <td class="strong">
                <a href={href('users', { user: user.name })} data-testid="user-open" translate={false}>
                  {user.name}
                </a>{' '}
                {user.name === me.user ? <span class="muted">({a.you})</span> : null}
                {user.must_change_password ? (
                  <span class="muted" data-testid="must-set-password">
                    {' '}
                    ({a.mustSetPassword})
                  </span>
                ) : null}
              </td>
              <td translate={false}>
                {groupsOf(user)
                  .map((group) => group.name)
                  .join(', ') || '–'}
              </td>
              <td>{user.service ? t.access.service : user.role === null ? '–' : t.roles[user.role]}</td>
              <td class="num">{format.number(grantsOf(user).filter((grant) => grant.in_force).length, lang)}</td>
              <td>{until(user)}</td>
              <td title={user.seen ? format.utc(parseInstant(user.seen)) : ''}>
                {user.seen ? format.shortDateTime(parseInstant(user.seen), serverNow(), lang, me.zone) : a.never}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
