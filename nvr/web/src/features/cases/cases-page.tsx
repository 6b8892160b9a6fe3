// All cases: what waits for whoever looks comes first.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { goTo, objectHref } from '../../router';
import type { Case } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { useList } from '../../shared/ui/list';
import { Mark } from '../../shared/ui/mark';
import { usePoll } from '../../shared/ui/poll';
import { CaseForm } from './case-forms';
import './cases.css';

const MANY = 8;

/** How a case stands, for whoever looks: what they may decide, what waits for others, open, closed. */
function rank(item: Case): number {
  if (item.requests.some((made) => made.may_decide)) return 0;
  if (item.requests.some((made) => made.state === 'asked')) return 1;
  return item.closed === null ? 2 : 3;
}

export function CasesPage({ me }: PageProps) {
  const { t, lang } = useWords();
  const c = t.cases;
  const [opening, setOpening] = useState(false);
  const [search, setSearch] = useState('');
  const list = useList(async () => (await api.cases()).cases);
  usePoll(async () => list.reload(), 15000);
  const wanted = search.trim().toLowerCase();
  const shown = (list.items ?? [])
    .filter((item) => `${item.number} ${item.title} ${item.legal_basis}`.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b));
  const last = (item: Case): string =>
    item.requests.reduce((latest, made) => (made.requested > latest ? made.requested : latest), item.opened);
  return (
    <div>
      <header class="page-head">
        <div>
          <h1>{c.title}</h1>
          <p>
            {c.text}
            {me.second_person ? ` ${c.secondPerson}` : ''}
          </p>
        </div>
        <button type="button" class="primary" data-testid="open-case" onClick={() => setOpening(true)}>
          {c.open}
        </button>
      </header>
      <ErrorText text={list.error} testid="list-error" />
      {(list.items?.length ?? 0) > MANY ? (
        <TextField label={c.search} type="search" data-testid="case-search" value={search} onValue={setSearch} />
      ) : null}
      {list.items?.length === 0 ? <p class="note">{c.none}</p> : null}
      {shown.length > 0 ? (
        <div class="table-scroll" tabIndex={0}>
          <table class="t case-list" data-testid="cases">
            <thead>
              <tr>
                <th scope="col">{c.number}</th>
                <th scope="col">{c.caseTitle}</th>
                <th scope="col">{c.state}</th>
                <th scope="col" class="num">
                  {c.requests}
                </th>
                <th scope="col">{c.cameras}</th>
                <th scope="col">{c.lastChange}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((item) => {
                const names = [...new Set(item.requests.flatMap((made) => made.names))];
                const mine = item.requests.filter((made) => made.may_decide).length;
                const asked = item.requests.filter((made) => made.state === 'asked').length;
                return (
                  <tr key={item.id} data-testid="case-row" data-case={item.number}>
                    <td data-label={c.number}>
                      <a href={objectHref('case', item.id)} data-testid="case-link" translate={false}>
                        {item.number}
                      </a>
                    </td>
                    <td data-label={c.caseTitle} translate={false}>
                      {item.title || '–'}
                    </td>
                    <td data-label={c.state}>
                      {mine > 0 ? (
                        <b class="strong">{fill(c.waitForYou, { n: mine })}</b>
                      ) : asked > 0 ? (
                        fill(c.waitingRequests, { n: asked })
                      ) : item.closed === null ? (
                        c.openState
                      ) : (
                        <Mark kind="policy">{c.closedState}</Mark>
                      )}
                    </td>
                    <td data-label={c.requests} class="num">
                      {format.number(item.requests.length, lang)}
                    </td>
                    <td data-label={c.cameras} class="ell" translate={false}>
                      {names.slice(0, 3).join(', ')}
                      {names.length > 3 ? ` +${names.length - 3}` : ''}
                    </td>
                    <td data-label={c.lastChange} class="nowrap">
                      {format.date(parseInstant(last(item)), lang, me.zone)}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      ) : null}
      {opening ? (
        <CaseForm onDone={(made) => goTo(objectHref('case', made.id))} onClose={() => setOpening(false)} />
      ) : null}
    </div>
  );
}
