// A new password: one's own (the present one is asked for) or, for an administrator, someone else's.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';

import { TextField } from '../../shared/ui/form';

interface PasswordFormProps {
  user: string;
  own: boolean;
  onDone?: () => void;
}

export function PasswordForm({ user, own, onDone }: PasswordFormProps) {
  const { t } = useWords();
  const a = t.admin;
  const [current, setCurrent] = useState('');
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const action = useAction();

  async function submit(): Promise<void> {
    setDone(false);
    if (first === '' || (own && current === '')) setProblem(a.required);
    else if (first !== second) setProblem(a.passwordsDiffer);
    else {
      setProblem(null);
      if (await action.run(() => api.setPassword(user, first, own ? current : undefined))) {
        setCurrent('');
        setFirst('');
        setSecond('');
        setDone(true);
        onDone?.();
      }
    }
  }

  return (
    <form
      noValidate
      data-testid="password-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {/* Lets a password manager know whose password this is. */}
      <input type="text" name="username" autocomplete="username" value={user} readOnly hidden />
      {own ? (
        <TextField
          label={a.currentPassword}
          type="password"
          data-testid="password-current"
          autocomplete="current-password"
          value={current}
          onValue={setCurrent}
        />
      ) : null}
      <TextField
        label={a.newPassword}
        type="password"
        data-testid="password-new"
        autocomplete="new-password"
        value={first}
        onValue={setFirst}
      />
      <TextField
        label={a.newPasswordAgain}
        type="password"
        data-testid="password-again"
        autocomplete="new-password"
        value={second}
        onValue={setSecond}
      />
      <ErrorText
        text={problem ?? (action.code === 'bad_credentials' ? a.currentWrong : action.error)}
        testid="password-error"
      />
      {done ? (
        <p class="good" role="status" data-testid="password-changed">
          {a.passwordChanged}
        </p>
      ) : null}
      <div class="dialog-actions">
        <button type="submit" class="primary" data-testid="password-save" disabled={action.busy}>
          {a.changePassword}
        </button>
      </div>
    </form>
  );
}
