// Who may log in, and as what.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { parseInstant } from '../../shared/time/instant';
import type { Me, Role } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { Confirm, Dialog, ErrorText } from '../../shared/ui/dialog';

import { useList } from '../../shared/ui/list';
import { Time } from '../../shared/ui/time';
import { GroupsPanel } from './groups-panel';
import { PasswordForm } from './password-form';
import { RoleField } from './role-field';
import { FormActions, TextField } from '../../shared/ui/form';
import { Table } from '../../shared/ui/table';

export function UsersPage({ me }: { me: Me }) {
  const { t } = useWords();
  const a = t.admin;
  const list = useList(async () => (await api.users()).users);
  const [adding, setAdding] = useState(false);
  const [password, setPassword] = useState<string | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const [resetting, setResetting] = useState<string | null>(null);
  return (
    <div>
      <header class="page-head">
        <h1>{a.usersTitle}</h1>
        <button type="button" class="primary" data-testid="add-user" onClick={() => setAdding(true)}>
          {a.addUser}
        </button>
      </header>
      <ErrorText text={list.error} testid="list-error" />
      {list.items ? (
        <Table panel heads={[a.userName, a.role, a.created, a.actions]}>
          {list.items.map((user) => (
            <tr key={user.name} data-testid="user-row" data-user={user.name}>
              <td data-label={a.userName}>
                {user.name} {user.name === me.user ? <span class="muted">({a.you})</span> : null}
                {user.must_change_password ? (
                  <span class="muted" data-testid="must-set-password">
                    {' '}
                    ({a.mustSetPassword})
                  </span>
                ) : null}
              </td>
              <td data-label={a.role}>{user.role === null ? '–' : t.roles[user.role]}</td>
              <td data-label={a.created}>
                {user.created ? <Time at={parseInstant(user.created)} zone={me.zone} /> : '–'}
              </td>
              <td data-label={a.actions} class="row-actions">
                <button
                  type="button"
                  class="small"
                  data-testid="change-password"
                  onClick={() => setPassword(user.name)}
                >
                  {a.changePassword}
                </button>
                {user.name === me.user ? null : (
                  <button
                    type="button"
                    class="small"
                    data-testid="reset-factors"
                    onClick={() => setResetting(user.name)}
                  >
                    {t.factor.reset}
                  </button>
                )}
                {user.name === me.user ? null : (
                  <button
                    type="button"
                    class="small danger"
                    data-testid="remove-user"
                    onClick={() => setRemoving(user.name)}
                  >
                    {t.remove}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      <GroupsPanel />
      {adding ? (
        <UserForm
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            list.reload();
          }}
        />
      ) : null}
      {password !== null ? (
        <Dialog
          title={fill(a.changePasswordOf, { name: password })}
          testid="password-dialog"
          onClose={() => setPassword(null)}
        >
          <PasswordForm user={password} own={password === me.user} />
        </Dialog>
      ) : null}
      {resetting !== null ? (
        <Confirm
          title={fill(t.factor.resetTitle, { name: resetting })}
          text={t.factor.resetText}
          action={t.factor.reset}
          work={() => api.resetFactors(resetting)}
          onDone={list.reload}
          onClose={() => setResetting(null)}
        />
      ) : null}
      {removing !== null ? (
        <Confirm
          title={fill(a.removeUser, { name: removing })}
          text={a.removeUserText}
          action={t.remove}
          work={() => api.removeUser(removing)}
          onDone={list.reload}
          onClose={() => setRemoving(null)}
        />
      ) : null}
    </div>
  );
}

function UserForm({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const { t } = useWords();
  const a = t.admin;
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [missing, setMissing] = useState(false);
  const action = useAction();
  const submit = async (): Promise<void> => {
    const complete = name.trim() !== '' && password !== '';
    setMissing(!complete);
    if (complete && (await action.run(() => api.addUser(name.trim(), password, role)))) onDone();
  };
  return (
    <Dialog title={a.addUser} testid="user-form" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField
          label={a.userName}
          error={missing && name.trim() === '' ? a.required : null}
          data-testid="user-name"
          autocomplete="off"
          autocapitalize="none"
          value={name}
          onValue={setName}
        />
        <TextField
          label={a.userPassword}
          error={missing && password === '' ? a.required : null}
          type="password"
          data-testid="user-password"
          autocomplete="new-password"
          value={password}
          onValue={setPassword}
        />
        <p class="muted">{a.userPasswordHint}</p>
        <RoleField role={role} onRole={setRole} testid="user-role" />
        <FormActions action={action} testid="user-save" onClose={onClose}>
          {a.add}
        </FormActions>
      </form>
    </Dialog>
  );
}
