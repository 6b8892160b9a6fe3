// A search: what may be searched, the login to try, how far it is, and its end.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { Scan } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';

interface ScanPanelProps {
  /** That the configuration allows. */
  networks: ReadonlyArray<string>;
  last: Scan | null;
  onChange: (scan: Scan) => void;
}

export function ScanPanel({ networks, last, onChange }: ScanPanelProps) {
  const { t } = useWords();
  const d = t.devices;
  const [wanted, setWanted] = useState('');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const action = useAction();
  const running = last !== null && (last.state === 'running' || last.state === 'stopping');
  if (networks.length === 0) {
    return (
      <p class="panel" data-testid="no-networks">
        {d.noNetworks}
      </p>
    );
  }
  const begin = (): void => {
    const chosen = wanted.split(/[\s,]+/).filter(Boolean);
    const login = username.trim() ? { username: username.trim(), password } : {};
    void action.run(async () => {
      onChange(await api.beginScan({ networks: chosen, ...login }));
      setPassword('');
    });
  };
  return (
    <section class="panel">
      {last ? <Progress scan={last} /> : null}
      <ErrorText text={action.error} testid="scan-error" />
      {running ? (
        <button
          type="button"
          data-testid="stop-scan"
          disabled={action.busy || last.state === 'stopping'}
          onClick={() => void action.run(async () => onChange(await api.stopScan(last.id)))}
        >
          {d.stop}
        </button>
      ) : (
        <form
          class="report-form"
          data-testid="scan-form"
          onSubmit={(event) => {
            event.preventDefault();
            begin();
          }}
        >
          <TextField
            label={d.networks}
            hint={fill(d.networksHint, { networks: networks.join(', ') })}
            data-testid="scan-networks"
            spellcheck={false}
            value={wanted}
            onValue={setWanted}
          />
          <TextField
            label={d.username}
            hint={d.usernameHint}
            data-testid="scan-username"
            autocomplete="off"
            spellcheck={false}
            autocapitalize="none"
            value={username}
            onValue={setUsername}
          />
          <TextField
            label={d.password}
            type="password"
            data-testid="scan-password"
            autocomplete="new-password"
            value={password}
            onValue={setPassword}
          />
          <div class="actions">
            <button type="submit" class="primary" data-testid="begin-scan" disabled={action.busy}>
              {d.begin}
            </button>
            {last && (last.state === 'interrupted' || last.state === 'stopped' || last.state === 'failed') ? (
              <button
                type="button"
                data-testid="resume-scan"
                disabled={action.busy}
                onClick={() => void action.run(async () => onChange(await api.resumeScan()))}
              >
                {d.resume}
              </button>
            ) : null}
          </div>
        </form>
      )}
    </section>
  );
}

function Progress({ scan }: { scan: Scan }) {
  const { t } = useWords();
  const d = t.devices;
  return (
    <div role="status" data-testid="scan-state" data-state={scan.state}>
      <p>
        {d.states[scan.state]} {fill(d.progress, { done: String(scan.done), blocks: String(scan.blocks) })}
        {scan.found > 0 ? ` ${fill(d.foundSoFar, { found: String(scan.found) })}` : ''}
      </p>
      {scan.error ? <p class="error">{scan.error}</p> : null}
      {scan.state === 'running' ? <progress max={scan.blocks} value={scan.done} aria-label={d.title} /> : null}
    </div>
  );
}
