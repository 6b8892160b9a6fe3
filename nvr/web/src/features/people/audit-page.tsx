// The audit log: who did what, when, from where; and whether it is whole.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { PageProps } from '../../page-def';
import { setQuery } from '../../router';
import { fill, named, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { formatInstant, HOUR, parseInstant, type Instant } from '../../shared/time/instant';
import type { AuditEntry, AuditVerdict, Case } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { TextField } from '../../shared/ui/form';
import { TimeField } from '../../shared/ui/time-field';
import { useFleet } from '../../shared/fleet';
import { may } from '../../session';
import { CameraChips, type NamedCamera } from '../cases/camera-chips';
import './audit.css';
import { Time } from '../../shared/ui/time';

const LATELY_MS = 7 * 24 * HOUR;

interface Filters {
  actor: string;
  camera: NamedCamera[];
  /** A case's id; '' for all. */
  case: string;
  action: string;
  start: Instant | null;
  end: Instant | null;
}

/** A time of the address; null: none, or none that can be read. */
function timeIn(text: string | null): Instant | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : at;
}

export function AuditLogPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const a = t.audit;
  const { byId } = useFleet();
  const [filters, setFilters] = useState<Filters>(() => ({
    actor: params.get('who') ?? '',
    camera: (params.get('camera') ?? '')
      .split(',')
      .filter(Boolean)
      .map((id) => ({ id, name: byId.get(id)?.name ?? id })),
    case: params.get('case') ?? '',
    action: params.get('action') ?? '',
    start: timeIn(params.get('start')),
    end: timeIn(params.get('end')),
  }));
  const [people, setPeople] = useState<string[]>([]);
  const [cases, setCases] = useState<Case[]>([]);
  const [entries, setEntries] = useState<AuditEntry[] | null>(null);
  const [before, setBefore] = useState<number | null>(null);
  const [head, setHead] = useState('');
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const reading = useAction();
  const verifying = useAction();

  const read = (from: number | null): void =>
    void reading.run(async () => {
      const chosen = cases.find((item) => item.id === filters.case);
      const page = await api.auditLog(
        {
          actor: filters.actor.trim(),
          camera: filters.camera[0]?.id ?? '',
          action: filters.action,
          about: chosen ? [chosen.id, chosen.number] : [],
          start: filters.start,
          end: filters.end,
        },
        from,
      );
      setEntries(from === null ? page.entries : [...(entries ?? []), ...page.entries]);
      setBefore(page.before);
    });
  useEffect(() => {
    // A case of the address is known by its number once the cases are.
    const timer = setTimeout(() => read(null), 300);
    setQuery({
      who: filters.actor.trim(),
      camera: filters.camera[0]?.id ?? null,
      case: filters.case,
      action: filters.action,
      start: filters.start === null ? null : formatInstant(filters.start),
      end: filters.end === null ? null : formatInstant(filters.end),
    });
    return () => clearTimeout(timer);
  }, [JSON.stringify(filters), filters.case !== '' && cases.length > 0]);
  useEffect(() => {
    // Suggestions only.
    if (may(me, 'people'))
      api.users().then(
        (found) => setPeople(found.users.map((user) => user.name)),
        () => undefined,
      );
    if (may(me, 'request'))
      api.cases().then(
        (found) => setCases(found.cases),
        () => undefined,
      );
  }, []);
  const set = (change: Partial<Filters>): void => setFilters({ ...filters, ...change });

  return (
    <div>
      <header class="page-head">
        <div>
          <h1>{a.title}</h1>
          <p>{a.text}</p>
        </div>
      </header>
      <form class="audit-filters" data-testid="audit-filters" onSubmit={(event) => event.preventDefault()}>
        <TextField
          label={a.actor}
          list="audit-people"
          data-testid="audit-actor"
          value={filters.actor}
          onValue={(actor) => set({ actor })}
        />
        <datalist id="audit-people">
          {people.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <CameraChips
          chosen={filters.camera}
          testid="audit-camera"
          onChosen={(camera) => set({ camera: camera.slice(-1) })}
        />
        <Field label={t.cases.case}>
          {(f) => (
            <select {...f} data-testid="audit-case" value={filters.case} onChange={(e) => set({ case: valueOf(e) })}>
              <option value="">{a.anyCase}</option>
              {cases.map((item) => (
                <option key={item.id} value={item.id}>
                  {item.number}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={a.action}>
          {(f) => (
            <select
              {...f}
              data-testid="audit-action"
              value={filters.action}
              onChange={(e) => set({ action: valueOf(e) })}
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
        <TimeField
          label={t.cases.from}
          at={filters.start}
          zone={me.zone}
          testid="audit-start"
          onAt={(start) => set({ start, end: filters.end ?? start + LATELY_MS })}
          onNone={() => set({ start: null })}
        />
        <TimeField
          label={t.cases.to}
          at={filters.end}
          zone={me.zone}
          testid="audit-end"
          onAt={(end) => set({ end })}
          onNone={() => set({ end: null })}
        />
      </form>
      <ErrorText text={reading.error} testid="audit-error" />
      {entries?.length === 0 ? <p class="note">{a.nothing}</p> : null}
      {entries && entries.length > 0 ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="t" data-testid="audit-table">
            <thead>
              <tr>
                <th scope="col" class="num">
                  {a.number}
                </th>
                <th scope="col">{a.time}</th>
                <th scope="col">{a.actor}</th>
                <th scope="col">{a.action}</th>
                <th scope="col">{a.camera}</th>
                <th scope="col">{a.detail}</th>
                <th scope="col">{a.address}</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.seq} data-testid="audit-row" data-action={entry.action}>
                  <td data-label={a.number} class="num">
                    {format.number(entry.seq, lang)}
                  </td>
                  <td data-label={a.time} class="nowrap">
                    <Time at={parseInstant(entry.time)} zone={me.zone} show="plain" />
                  </td>
                  <td data-label={a.actor} translate={false}>
                    {entry.actor}
                  </td>
                  <td data-label={a.action}>{named(a.actions, entry.action) ?? entry.action}</td>
                  <td data-label={a.camera} translate={false}>
                    {entry.camera ? (byId.get(entry.camera)?.name ?? entry.camera) : '–'}
                  </td>
                  <td data-label={a.detail} class="audit-detail" title={entry.detail}>
                    {detailText(
                      entry.detail,
                      (at) => format.dateTime(at, lang, me.zone),
                      (seconds) => format.duration(seconds, lang),
                      (name) => named(a.fields, name) ?? name,
                    ) || '–'}
                  </td>
                  <td data-label={a.address} class="mut">
                    {entry.address || '–'}
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
      <form
        class="sec audit-verify"
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
    </div>
  );
}

/** The detail's values by name, times in the display zone; the text as it is kept is in the tooltip. */
function detailText(
  detail: string,
  time: (at: Instant) => string,
  length: (seconds: number) => string,
  nameOf: (name: string) => string,
): string {
  const told = ([name, value]: [string, unknown]): string => {
    if (name === 'last_us' && typeof value === 'number') return `${nameOf('last')}: ${length(value / 1e6)}`;
    if (name.endsWith('_us') && typeof value === 'number') return `${nameOf(name.slice(0, -3))}: ${time(value / 1000)}`;
    if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value))
      return `${nameOf(name)}: ${time(parseInstant(value))}`;
    return `${nameOf(name)}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  };
  return Object.entries(JSON.parse(detail) as Record<string, unknown>)
    .filter(([, value]) => value !== '' && value !== null)
    .map(told)
    .join(' · ');
}
