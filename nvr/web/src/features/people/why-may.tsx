// Why somebody may do something with a camera, or may not, in a sentence each.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Explanations } from '../../shared/api/schema';
import { useWords } from '../../shared/i18n';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';

export function WhyMay({ camera }: { camera: string }) {
  const { t } = useWords();
  const a = t.access;
  const [user, setUser] = useState('');
  const [told, setTold] = useState<Explanations | null>(null);
  const action = useAction();
  return (
    <form
      noValidate
      data-testid="why-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (user.trim() !== '') void action.run(async () => setTold(await api.explainAccess(camera, user.trim())));
      }}
    >
      <TextField
        label={a.whyWho}
        hint={a.whyWhoHint}
        autocapitalize="none"
        data-testid="why-user"
        value={user}
        onValue={setUser}
      />
      <ErrorText text={action.error} testid="why-error" />
      <button type="submit" data-testid="why-go" disabled={action.busy}>
        {a.explain}
      </button>
      {told ? (
        <ul class="plain" role="status" data-testid="why-told">
          {told.actions.map((one) => (
            <li key={one.action} data-action={one.action} data-outcome={one.outcome}>
              {one.sentence}
            </li>
          ))}
        </ul>
      ) : null}
    </form>
  );
}
