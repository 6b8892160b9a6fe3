// The way of a request, in sight: asked, held, decided, sealed, handed over; with who and when, and what comes next.

import type { ComponentChildren } from 'preact';
import { fill, useWords } from '../../shared/i18n';
import { serverNow } from '../../session';
import type { Export, FootageRequest } from '../../shared/api/schema';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { begins, share } from './export-share';

interface Step {
  name: string;
  state: 'done' | 'now' | 'to';
  facts: ComponentChildren;
}

export function RequestPath({ made, item, zone }: { made: FootageRequest; item: Export | undefined; zone: string }) {
  const { t, lang } = useWords();
  const c = t.cases;
  const p = c.path;
  const time = (at: string | null | undefined): string =>
    at ? format.shortDateTime(parseInstant(at), serverNow(), lang, zone) : '';
  const held = fill(p.heldAt, { n: format.number(made.holds.length, lang) });
  const steps: Step[] = [
    { name: p.asked, state: 'done', facts: [made.requester, time(made.requested)] },
    { name: p.held, state: 'done', facts: [held, time(made.requested)] },
  ];
  if (made.state === 'asked') {
    const waits = format.duration((serverNow() - parseInstant(made.requested)) / 1000, lang);
    const who = made.may_decide ? p.waitsForYou : p.waits;
    const why = made.may_decide ? '' : made.mine ? p.notYours : p.notAllowed;
    steps.push({ name: who, state: 'now', facts: [fill(p.since, { length: waits }), why] });
  } else
    steps.push({
      name: c.states[made.state],
      state: 'done',
      facts: [made.decided_by ?? '', time(made.decided)],
    });
  if (made.state === 'asked' || made.state === 'approved') {
    steps.push(sealed());
    steps.push(linked());
  }
  return (
    <ol class="path" data-testid="request-path" data-steps={steps.length}>
      {steps.map(({ name, state, facts }) => (
        <li key={name} class={state === 'done' ? '' : state === 'now' ? 'at' : 'to'} data-state={state}>
          <b>{name}</b>
          {(Array.isArray(facts) ? facts : [facts]).map((fact, at) => (
            <span key={at}>{fact}</span>
          ))}
        </li>
      ))}
    </ol>
  );

  function sealed(): Step {
    const name = t.exports.seal;
    if (!item)
      return { name, state: 'to', facts: [made.export ? p.notThere : made.state === 'asked' ? p.whenApproved : ''] };
    if (item.state === 'done')
      return { name, state: 'done', facts: [format.bytes(item.bytes ?? 0, lang), time(item.ended)] };
    if (item.state === 'running')
      return { name, state: 'now', facts: [fill(t.exports.done, { percent: String(share(item)) })] };
    const why = item.begins ? begins(item, t.exports.begins, lang, zone) : (item.reason ?? '');
    return { name, state: item.state === 'queued' ? 'now' : 'to', facts: [t.exports.states[item.state], why] };
  }

  function linked(): Step {
    const used = item?.links.find((link) => link.used) ?? item?.links[0];
    if (!used) return { name: p.link, state: 'to', facts: [p.forOne] };
    const times = format.number(used.openings, lang);
    return {
      name: p.link,
      state: 'done',
      facts: [used.openings > 0 ? fill(p.opened, { n: times }) : used.recipient, time(used.used ?? used.made)],
    };
  }
}
