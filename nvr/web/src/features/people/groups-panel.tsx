// Groups of users, and accounts of programs and screens: below the users.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';

export function GroupsPanel() {
  const { t } = useWords();
  const g = t.groups;
  const list = useList(async () => (await api.groups()).groups);
  const action = useAction();
  const [name, setName] = useState('');
  const [user, setUser] = useState('');
  const done = async (work: () => Promise<unknown>): Promise<void> => {
    if (await action.run(work)) list.reload();
  };
  // Who administers some cameras alone has no groups to see.
  if (list.items === null) return null;
  return (
    <div class="people-groups" data-testid="groups">
      <p class="mut">{g.text}</p>
      <ErrorText text={action.error} testid="groups-error" />
      <ul class="plain">
        {list.items.map((group) => (
          <li key={group.id} data-testid="group" data-group={group.name}>
            <strong>{group.name}</strong>{' '}
            {group.members.map((one) => (
              <span key={`${one.user} ${one.provider}`} data-testid="group-member">
                {one.user}
                {one.provider ? (
                  <span class="muted"> ({one.provider})</span>
                ) : (
                  <button
                    type="button"
                    class="icon-button"
                    aria-label={`${t.remove}: ${one.user}`}
                    data-testid="leave-group"
                    onClick={() => void done(() => api.leaveGroup(group.id, one.user))}
                  >
                    ×
                  </button>
                )}{' '}
              </span>
            ))}
            <button
              type="button"
              class="small"
              data-testid="join-group"
              disabled={action.busy || user.trim() === ''}
              onClick={() => void done(() => api.joinGroup(group.id, user.trim()))}
            >
              {g.join}
            </button>{' '}
            <button
              type="button"
              class="small danger"
              data-testid="remove-group"
              disabled={action.busy}
              onClick={() => void done(() => api.removeGroup(group.id))}
            >
              {t.remove}
            </button>
          </li>
        ))}
      </ul>
      <TextField label={g.user} data-testid="group-user" autocapitalize="none" value={user} onValue={setUser} />
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '') void done(() => api.addGroup(name.trim())).then(() => setName(''));
        }}
      >
        <TextField label={g.name} data-testid="group-name" value={name} onValue={setName} />
        <button type="submit" data-testid="add-group" disabled={action.busy}>
          {g.add}
        </button>
      </form>
      <ScreenForm />
    </div>
  );
}

/** An account of a screen, and the code that lets one in. */
function ScreenForm() {
  const { t } = useWords();
  const g = t.groups;
  const [name, setName] = useState('');
  const [code, setCode] = useState<string | null>(null);
  const action = useAction();
  const own = name.trim();
  return (
    <>
      <h2>{g.services}</h2>
      <p class="muted">{g.servicesText}</p>
      <TextField label={g.service} data-testid="service-name" autocapitalize="none" value={name} onValue={setName} />
      <ErrorText text={action.error} testid="service-error" />
      {code ? (
        <p role="status">
          <code class="mono" data-testid="screen-code-made">
            {code}
          </code>
        </p>
      ) : null}
      <div class="dialog-actions">
        <button
          type="button"
          data-testid="add-service"
          disabled={action.busy || own === ''}
          onClick={() => void action.run(() => api.addService(own))}
        >
          {g.addService}
        </button>
        <button
          type="button"
          data-testid="make-screen-code"
          disabled={action.busy || own === ''}
          onClick={() => void action.run(async () => setCode((await api.makeScreenCode(own)).code))}
        >
          {g.screenCode}
        </button>
      </div>
    </>
  );
}
