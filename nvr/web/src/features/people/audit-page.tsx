// The audit log: who did what, when, from where; and whether it is whole.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant, type Instant } from '../../shared/time/instant';
import type { AuditEntry, AuditVerdict, Me } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { Time } from '../../shared/ui/time';

export function AuditLogPage({ me }: { me: Me }) {
  const { t, lang } = useWords();
  const a = t.audit;
  const [query, setQuery] = useState<api.AuditQuery>({ actor: '', camera: '', action: '' });
  const [entries, setEntries] = useState<AuditEntry[] | null>(null);
  const [before, setBefore] = useState<number | null>(null);
  const [head, setHead] = useState('');
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const reading = useAction();
  const verifying = useAction();

  const read = (from: number | null): void =>
    void reading.run(async () => {
      const page = await api.auditLog(trimmed(query), from);
      setEntries(from === null ? page.entries : [...(entries ?? []), ...page.entries]);
      setBefore(page.before);
    });
  useEffect(() => {
    document.title = `${a.title} – nvr`;
    read(null);
  }, []);

  return (
    <div>
      <header class="page-head">
        <h1>{a.title}</h1>
      </header>
      <p class="muted">{a.text}</p>
      <form
        class="panel report-form"
        onSubmit={(event) => {
          event.preventDefault();
          read(null);
        }}
      >
        <Field label={a.actor}>
          {(f) => (
            <input
              {...f}
              data-testid="audit-actor"
              value={query.actor}
              onInput={(e) => setQuery({ ...query, actor: valueOf(e) })}
            />
          )}
        </Field>
        <Field label={a.camera}>
          {(f) => (
            <input
              {...f}
              data-testid="audit-camera"
              value={query.camera}
              onInput={(e) => setQuery({ ...query, camera: valueOf(e) })}
            />
          )}
        </Field>
        <Field label={a.action}>
          {(f) => (
            <select
              {...f}
              data-testid="audit-action"
              value={query.action}
              onChange={(e) => setQuery({ ...query, action: valueOf(e) })}
            >
              <option value="">{a.anyAction}</option>
              {Object.entries(a.actions).map(([name, words]) => (
                <option key={name} value={name}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div class="actions">
          <button type="submit" class="primary" data-testid="audit-run" disabled={reading.busy}>
            {reading.busy ? t.loading : a.show}
          </button>
        </div>
      </form>
      <form
        class="panel report-form"
        onSubmit={(event) => {
          event.preventDefault();
          void verifying.run(async () => setVerdict(await api.verifyAudit(head.trim())));
        }}
      >
        <Field label={a.head} hint={a.headHint}>
          {(f) => (
            <input {...f} class="mono" data-testid="audit-head" value={head} onInput={(e) => setHead(valueOf(e))} />
          )}
        </Field>
        <div class="actions">
          <button type="submit" data-testid="audit-verify" disabled={verifying.busy}>
            {verifying.busy ? t.loading : a.verify}
          </button>
        </div>
        {verdict ? (
          <div
            role="status"
            class={verdict.state === 'tampered' ? 'error' : verdict.whole ? 'good' : 'hint'}
            data-testid="audit-verdict"
            data-whole={verdict.whole}
          >
            <p>
              {verdict.state === 'tampered'
                ? fill(a.notWhole, { n: format.number(verdict.faults.length, lang) })
                : verdict.whole
                  ? fill(a.whole, { n: format.number(Number(verdict.noted.split(':')[0]), lang) })
                  : fill(a.consistent, { n: format.number(verdict.entries, lang) })}
            </p>
            <ul>
              {verdict.faults.map((fault) => (
                <li key={`${fault.seq} ${fault.kind}`}>
                  {fill(a.fault, { seq: fault.seq, kind: named(a.kinds, fault.kind) ?? fault.kind })}
                </li>
              ))}
            </ul>
            <p class="hint">
              {a.headNow} <code>{verdict.head}</code>
            </p>
          </div>
        ) : null}
        <ErrorText text={verifying.error} testid="audit-verify-error" />
      </form>
      <ErrorText text={reading.error} testid="audit-error" />
      {entries ? (
        <div class="panel table-scroll">
          <table class="gaps" data-testid="audit-table">
            <thead>
              <tr>
                <th scope="col">{a.number}</th>
                <th scope="col">{a.time}</th>
                <th scope="col">{a.actor}</th>
                <th scope="col">{a.address}</th>
                <th scope="col">{a.action}</th>
                <th scope="col">{a.camera}</th>
                <th scope="col">{a.detail}</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.seq} data-testid="audit-row" data-action={entry.action}>
                  <td data-label={a.number}>{format.number(entry.seq, lang)}</td>
                  <td data-label={a.time} class="nowrap">
                    <Time at={parseInstant(entry.time)} zone={me.zone} show="plain" />
                  </td>
                  <td data-label={a.actor}>{entry.actor}</td>
                  <td data-label={a.address}>{entry.address || '–'}</td>
                  <td data-label={a.action}>{named(a.actions, entry.action) ?? entry.action}</td>
                  <td data-label={a.camera}>{entry.camera ?? '–'}</td>
                  <td data-label={a.detail} class="detail" title={entry.detail}>
                    {detailText(entry.detail, (at) => format.dateTime(at, lang, me.zone)) || '–'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {before === null ? null : (
            <button type="button" data-testid="audit-more" disabled={reading.busy} onClick={() => read(before)}>
              {a.more}
            </button>
          )}
        </div>
      ) : null}
    </div>
  );
}

/** The detail's values by name, times in the display zone; the text as it is kept is in the tooltip. */
function detailText(detail: string, time: (at: Instant) => string): string {
  const told = ([name, value]: [string, unknown]): string => {
    if (name.endsWith('_us') && typeof value === 'number') return `${name.slice(0, -3)}: ${time(value / 1000)}`;
    return `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  };
  return Object.entries(JSON.parse(detail) as Record<string, unknown>)
    .map(told)
    .join(' · ');
}

function trimmed(query: api.AuditQuery): api.AuditQuery {
  return { actor: query.actor.trim(), camera: query.camera.trim(), action: query.action };
}
