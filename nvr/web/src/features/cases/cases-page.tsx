// Cases, and what was asked for in them: open a case, ask for footage, approve, refuse, withdraw, close.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref, href } from '../../router';
import { may } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Case, Export, FootageRequest, Me } from '../../shared/api/schema';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { useList } from '../../shared/ui/list';
import { usePoll } from '../../shared/ui/poll';
import { Time } from '../../shared/ui/time';
import { CaseForm, DecisionForm, RequestForm, type Decision } from './case-forms';
import { begins, share } from './export-share';
import { LinkForm } from './link-form';
import { Table } from '../../shared/ui/table';

type Open =
  | { kind: 'case' }
  | { kind: 'request'; case: Case }
  | { kind: 'decide'; decision: Decision }
  | { kind: 'link'; item: Export }
  | null;

export function CasesPage({ me }: { me: Me }) {
  const { t } = useWords();
  const c = t.cases;
  const [secondPerson, setSecondPerson] = useState(false);
  const [exports, setExports] = useState<Map<string, Export>>(new Map());
  const list = useList(async () => {
    const [found, made] = await Promise.all([api.cases(), api.exports()]);
    setSecondPerson(found.second_person);
    setExports(new Map(made.exports.map((one) => [one.id, one])));
    return found.cases;
  });
  const [open, setOpen] = useState<Open>(null);
  useEffect(() => {
    document.title = `${c.title} – nvr`;
  }, [c]);
  const moving = list.items?.some((item) =>
    item.requests.some(({ export: id }) => id !== null && ['queued', 'running'].includes(exports.get(id)?.state ?? '')),
  );
  usePoll(async () => list.reload(), moving ? 1000 : 15000);
  const done = (): void => {
    setOpen(null);
    list.reload();
  };
  const close = (): void => setOpen(null);
  return (
    <div>
      <header class="page-head">
        <h1>{c.title}</h1>
        <button type="button" class="primary" data-testid="open-case" onClick={() => setOpen({ kind: 'case' })}>
          {c.open}
        </button>
      </header>
      <p class="muted">
        {c.text}
        {secondPerson ? ` ${c.secondPerson}` : ''}
      </p>
      <ErrorText text={list.error} testid="list-error" />
      {list.items?.length === 0 ? <p class="panel">{c.none}</p> : null}
      {list.items?.map((item) => (
        <section key={item.id} class="panel" data-testid="case" data-case={item.number}>
          <header class="page-head">
            <h2>
              {item.number}
              {item.title ? ` – ${item.title}` : ''}
            </h2>
            {item.closed === null ? (
              <span class="row-actions">
                <button
                  type="button"
                  class="small primary"
                  data-testid="ask"
                  onClick={() => setOpen({ kind: 'request', case: item })}
                >
                  {c.ask}
                </button>
                <button
                  type="button"
                  class="small"
                  data-testid="close-case"
                  onClick={() => setOpen({ kind: 'decide', decision: { what: 'close', id: item.id } })}
                >
                  {c.close}
                </button>
              </span>
            ) : null}
          </header>
          <p class="hint">
            {item.legal_basis} · {fill(c.openedBy, { who: item.opened_by })}{' '}
            <Time at={parseInstant(item.opened)} zone={me.zone} />
            {item.closed === null ? null : (
              <>
                {' '}
                · {fill(c.closedBy, { who: item.closed_by ?? '' })}{' '}
                <Time at={parseInstant(item.closed)} zone={me.zone} />: {item.close_reason}
              </>
            )}
          </p>
          {item.requests.length === 0 ? (
            <p>{c.noRequests}</p>
          ) : (
            <Table heads={[c.cameras, c.from, c.to, c.purpose, c.requester, c.state, t.admin.actions]}>
              {item.requests.map((made) => (
                <RequestRow
                  key={made.id}
                  made={made}
                  me={me}
                  item={made.export === null ? undefined : exports.get(made.export)}
                  onMade={() => list.reload()}
                  onLink={(item) => setOpen({ kind: 'link', item })}
                  decide={(what) => setOpen({ kind: 'decide', decision: { what, id: made.id } })}
                />
              ))}
            </Table>
          )}
        </section>
      ))}
      {open?.kind === 'case' ? <CaseForm onDone={done} onClose={close} /> : null}
      {open?.kind === 'request' ? <RequestForm case={open.case} zone={me.zone} onDone={done} onClose={close} /> : null}
      {open?.kind === 'link' ? (
        <LinkForm item={open.item} zone={me.zone} onMade={() => list.reload()} onClose={close} />
      ) : null}
      {open?.kind === 'decide' ? (
        <DecisionForm decision={open.decision} mayRelease={may(me, 'retention')} onDone={done} onClose={close} />
      ) : null}
    </div>
  );
}

interface RowProps {
  made: FootageRequest;
  me: Me;
  /** Its export, if there is one among the latest. */
  item: Export | undefined;
  decide: (what: Decision['what']) => void;
  onMade: () => void;
  onLink: (item: Export) => void;
}

function RequestRow({ made, me, item, decide, onMade, onLink }: RowProps) {
  const { t } = useWords();
  const c = t.cases;
  const mine = made.mine;
  return (
    <tr data-testid="request-row" data-state={made.state}>
      <td data-label={c.cameras}>
        {made.cameras.map((id, i) => (
          <>
            {i > 0 ? ', ' : ''}
            <a key={id} href={cameraHref(id, { at: made.start })}>
              {id}
            </a>
          </>
        ))}
      </td>
      <td data-label={c.from} class="nowrap">
        <Time at={parseInstant(made.start)} zone={me.zone} show="plain" />
      </td>
      <td data-label={c.to} class="nowrap">
        <Time at={parseInstant(made.end)} zone={me.zone} show="plain" />
      </td>
      <td data-label={c.purpose}>{made.purpose}</td>
      <td data-label={c.requester}>{made.requester}</td>
      <td data-label={c.state}>
        {c.states[made.state]}
        {made.decided_by ? (
          <span class="hint">
            {' '}
            {made.decided_by}
            {made.decision ? `: ${made.decision}` : ''}
          </span>
        ) : null}
      </td>
      <td data-label={t.admin.actions} class="row-actions">
        {item ? <RequestExport item={item} zone={me.zone} onLink={onLink} /> : null}
        {made.state === 'approved' ? <MakeExport made={made} item={item} onMade={onMade} /> : null}
        {made.state === 'asked' ? (
          <>
            <button type="button" class="small primary" data-testid="approve" onClick={() => decide('approve')}>
              {c.approve}
            </button>
            {mine ? (
              <button type="button" class="small" data-testid="withdraw" onClick={() => decide('withdraw')}>
                {c.withdraw}
              </button>
            ) : (
              <button type="button" class="small danger" data-testid="refuse" onClick={() => decide('refuse')}>
                {c.refuse}
              </button>
            )}
          </>
        ) : null}
      </td>
    </tr>
  );
}

/** How far its export is; its download and links, for those whom it is for. */
function RequestExport({ item, zone, onLink }: { item: Export; zone: string; onLink: (item: Export) => void }) {
  const { t, lang } = useWords();
  const x = t.exports;
  return (
    <>
      <a href={href('exports')} data-testid="see-export" data-state={item.state}>
        {x.seal}: {x.states[item.state] ?? item.state}
        {item.state === 'running' ? ` ${fill(x.done, { percent: String(share(item)) })}` : ''}
      </a>
      {item.begins ? (
        <span class="hint" data-testid="request-begins">
          {' '}
          {begins(item, x.begins, lang, zone)}
        </span>
      ) : null}
      {item.download ? (
        <>
          {' '}
          <a class="button small primary" href={item.download} download data-testid="request-download">
            {fill(x.download, { size: format.bytes(item.bytes ?? 0, lang) })}
          </a>{' '}
          <button type="button" class="small" data-testid="request-link" onClick={() => onLink(item)}>
            {t.link.make}
          </button>
        </>
      ) : null}
      {item.reason ? <span class="hint"> {item.reason}</span> : null}
    </>
  );
}

/** An approval makes the export. It is asked for again when there is none any more. */
function MakeExport({ made, item, onMade }: { made: FootageRequest; item: Export | undefined; onMade: () => void }) {
  const { t } = useWords();
  const action = useAction();
  if (item ? ['queued', 'running', 'done'].includes(item.state) : made.export !== null) return null;
  return (
    <>
      {' '}
      <button
        type="button"
        class="small primary"
        data-testid="make-export"
        disabled={action.busy}
        onClick={() => void action.run(() => api.exportRequest(made.id)).then((ok) => ok && onMade())}
      >
        {t.exports.make}
      </button>
      <ErrorText text={action.error} />
    </>
  );
}
