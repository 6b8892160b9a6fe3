// A case: what was asked for in it, how far each request is, and what happened.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { href } from '../../router';
import { may, serverNow } from '../../session';
import type { Case, Export } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { ErrorText } from '../../shared/ui/dialog';
import { usePoll } from '../../shared/ui/poll';
import { errorWords } from '../../shared/i18n/words';
import { DecisionForm, RequestForm, type Decision } from './case-forms';
import { numbered, storyOf } from './case-story';
import { LinkForm } from './link-form';
import { RequestSection } from './request-section';
import './cases.css';

type Open = { kind: 'request' } | { kind: 'decide'; decision: Decision } | { kind: 'link'; item: Export } | null;

export function CasePage({ me, id }: PageProps) {
  const { t, lang } = useWords();
  const c = t.cases;
  const [item, setItem] = useState<Case | null>(null);
  const [exports, setExports] = useState<ReadonlyMap<string, Export>>(new Map());
  const [error, setError] = useState<string | null>(null);
  const [open, setOpen] = useState<Open>(null);
  const load = async (): Promise<void> => {
    try {
      const [found, made] = await Promise.all([
        api.oneCase(id),
        may(me, 'export') ? api.exports().then((all) => all.exports) : [],
      ]);
      setItem(found);
      setExports(new Map(made.map((one) => [one.id, one])));
      setError(null);
    } catch (failure) {
      setError(errorWords(failure, t, lang));
    }
  };
  const moving = item?.requests.some(
    ({ export: made }) => made !== null && ['queued', 'running'].includes(exports.get(made)?.state ?? ''),
  );
  usePoll(load, moving ? 1000 : 15000, id);
  useEffect(() => {
    document.title = `${item ? item.title || item.number : c.title} – nvr`;
  }, [item, c]);
  const done = (): void => {
    setOpen(null);
    void load();
  };
  const close = (): void => setOpen(null);
  if (!item) return error ? <ErrorText text={error} testid="case-error" /> : <p role="status">{t.loading}</p>;
  const numbers = numbered(item);
  const waiting = item.requests.filter((made) => made.state === 'asked').length;
  const held = new Set(item.requests.flatMap((made) => made.cameras)).size;
  return (
    <div class="case" data-testid="case" data-case={item.number}>
      <div class="case-main">
        <p class="crumb">
          <a href={href('cases')}>{c.title}</a> / <span translate={false}>{item.number}</span>
        </p>
        <header class="page-head">
          <div>
            <h1 translate={false}>{item.title || item.number}</h1>
            <p>
              <b class="strong">{item.number}</b> ·{' '}
              {fill(c.openedByAt, {
                who: item.opened_by,
                date: format.date(parseInstant(item.opened), lang, me.zone),
              })}
            </p>
          </div>
          {item.closed === null ? (
            <span class="row-actions">
              <button type="button" data-testid="ask" onClick={() => setOpen({ kind: 'request' })}>
                {c.ask}
              </button>
              <button
                type="button"
                data-testid="close-case"
                onClick={() => setOpen({ kind: 'decide', decision: { what: 'close', id: item.id } })}
              >
                {c.close}
              </button>
            </span>
          ) : null}
        </header>
        <ErrorText text={error} testid="case-error" />
        {item.requests.length === 0 ? <p class="note">{c.noRequests}</p> : null}
        {item.requests.map((made) => (
          <RequestSection
            key={made.id}
            made={made}
            number={numbers.get(made.id)!}
            me={me}
            item={made.export === null ? undefined : exports.get(made.export)}
            onChange={() => void load()}
            onLink={(one) => setOpen({ kind: 'link', item: one })}
            decide={(what) => setOpen({ kind: 'decide', decision: { what, id: made.id } })}
          />
        ))}
      </div>
      <aside class="case-facts" aria-label={c.factsLabel}>
        <h2>{c.case}</h2>
        <dl class="kv">
          <dt>{c.state}</dt>
          <dd data-testid="case-state">
            {item.closed === null ? c.openState : c.closedState}
            {waiting > 0 ? `, ${fill(c.waitingRequests, { n: waiting })}` : ''}
          </dd>
          <dt>{c.legalBasis}</dt>
          <dd translate={false}>{item.legal_basis}</dd>
          <dt>{c.path.held}</dt>
          <dd>{fill(c.heldCameras, { n: format.number(held, lang) })}</dd>
          {item.closed === null ? null : (
            <>
              <dt>{c.closedState}</dt>
              <dd>
                {fill(c.closedBy, { who: item.closed_by ?? '' })}{' '}
                {format.dateTime(parseInstant(item.closed), lang, me.zone)}: {item.close_reason}
              </dd>
            </>
          )}
        </dl>
        <h2>{c.happened}</h2>
        <ol class="story" data-testid="case-story">
          {storyOf(item, exports).map((step) => (
            <li key={`${step.at} ${step.kind} ${step.request}`}>
              <time dateTime={new Date(step.at).toISOString()}>
                {format.shortDateTime(step.at, serverNow(), lang, me.zone)}
              </time>
              <span>
                {step.who ? <b translate={false}>{step.who} </b> : null}
                {c.story[step.kind]}
                {step.request > 0 ? `, ${fill(c.requestSmall, { n: step.request })}` : ''}
              </span>
            </li>
          ))}
        </ol>
      </aside>
      {open?.kind === 'request' ? <RequestForm case={item} zone={me.zone} onDone={done} onClose={close} /> : null}
      {open?.kind === 'link' ? (
        <LinkForm item={open.item} zone={me.zone} onMade={() => void load()} onClose={close} />
      ) : null}
      {open?.kind === 'decide' ? (
        <DecisionForm decision={open.decision} mayRelease={may(me, 'retention')} onDone={done} onClose={close} />
      ) : null}
    </div>
  );
}
