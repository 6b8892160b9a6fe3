// A new user: a name, a password that is good for the first login, a role.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Role } from '../../shared/api/schema';
import { useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { Dialog } from '../../shared/ui/dialog';
import { FormActions, TextField } from '../../shared/ui/form';
import { RoleField } from './role-field';

export function UserForm({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
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
