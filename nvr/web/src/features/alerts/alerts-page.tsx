// What needs a person: a row a cause, what will come apart from what is, one word for all cameras of a row; beside the
// list what the chosen one is about.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, named, useWords } from '../../shared/i18n';
import type { PageProps } from '../../page-def';
import { href, setQuery } from '../../router';
import { may, serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Alert, Me, Recipient } from '../../shared/api/schema';
import { ErrorText } from '../../shared/ui/dialog';
import { useFleet } from '../../shared/fleet';
import { useList } from '../../shared/ui/list';
import { kindOf, Mark, type StateKind } from '../../shared/ui/mark';
import { causeWords } from '../../shared/i18n/words';
import { alertGroups, alertCameras, classOf, isKnown, willCome, type AlertGroup } from './alert-groups';
import { AlertSheet } from './alert-sheet';
import { KnowChosen } from './know-chosen';
import { DeliveryState, Recipients } from './recipients';
import './alerts.css';

const EVERY_MS = 10_000;
const STATES = ['open', 'known', 'over'] as const;
const CLASSES: readonly StateKind[] = ['network', 'camera', 'server'];
const MOST_SHOWN = 200;

export function AlertsPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const state = STATES.find((name) => name === params.get('state')) ?? 'open';
  const only = params.get('class');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [knowing, setKnowing] = useState(false);
  const [writes, setWrites] = useState(0);
  const { byId } = useFleet();
  const nameOf = (id: string): string => byId.get(id)?.name || id;
  const [recipients, setRecipients] = useState<Recipient[] | null>(null);
  const list = useList(async () => {
    const found = await api.alerts(state !== 'over');
    setRecipients(found.recipients);
    return found.alerts;
  });
  useEffect(() => {
    list.reload();
    const timer = setInterval(() => document.hidden || list.reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, [state]);
  const words = (alert: Alert): string => {
    const subject = alert.subject.startsWith('cause=')
      ? causeWords(alert.subject.slice('cause='.length), t)
      : nameOf(alert.subject);
    const text = named(a.kinds, alert.kind);
    if (text === undefined) return `${alert.kind} ${subject}`;
    return fill(text, { subject: subject || a.allCameras, n: format.number(alert.cameras.length, lang) });
  };
  const titleOf = (group: AlertGroup): string =>
    group.alerts.length === 1
      ? words(group.alerts[0]!)
      : fill(a.together, {
          n: format.number(group.alerts.length, lang),
          cause: group.cause ? causeWords(group.cause, t) : t.cameras.noCause,
        });
  const all = alertGroups(list.items ?? [], byId);
  const open = all.filter((group) => group.alerts[0]!.resolved === null);
  const isOver = (group: AlertGroup): boolean => group.alerts[0]!.resolved !== null;
  const inState = state === 'over' ? all.filter(isOver) : state === 'known' ? open.filter(isKnown) : open;
  const kindsOf = new Map(inState.map((group) => [group, kindOf(classOf(group, byId))]));
  const shown = inState.filter((group) => only === null || kindsOf.get(group) === only).slice(0, MOST_SHOWN);
  const sections: Array<[title: string, groups: AlertGroup[]]> =
    state === 'over'
      ? [[a.over, shown]]
      : [
          [a.now, shown.filter((group) => !willCome(group))],
          [a.willCome, shown.filter(willCome)],
        ];
  const inOrder = sections.flatMap(([, groups]) => groups);
  const sought = params.get('alert');
  const selected = inOrder.find((group) => group.alerts.some(({ id }) => id === sought)) ?? inOrder[0];
  const picked = inOrder.filter((group) => chosen.includes(group.alerts[0]!.id));
  const mayKnow = may(me, 'report');
  const done = (): void => {
    setKnowing(false);
    setChosen([]);
    list.reload();
  };
  return (
    <div class={`alerts-page${sought && selected ? ' at-one' : ''}`}>
      {recipients ? <DeliveryState found={recipients} /> : null}
      <section class="alert-list" aria-label={a.title} tabIndex={0}>
        <div class="alert-filters">
          <span class="seg" role="group" aria-label={a.state}>
            {STATES.map((name) => (
              <button
                key={name}
                type="button"
                data-testid={`alerts-${name}`}
                aria-pressed={state === name}
                onClick={() => setQuery({ state: name === 'open' ? null : name, alert: null })}
              >
                {a.filters[name]}{' '}
                {name === 'over' || state === 'over' || !list.items
                  ? null
                  : format.number(name === 'known' ? open.filter(isKnown).length : open.length, lang)}
              </button>
            ))}
          </span>
          <span class="seg" role="group" aria-label={t.report.class}>
            <button type="button" aria-pressed={only === null} onClick={() => setQuery({ class: null })}>
              {t.cameras.all}
            </button>
            {CLASSES.map((kind) => (
              <button
                key={kind}
                type="button"
                data-testid={`alerts-${kind}`}
                aria-pressed={only === kind}
                aria-label={named(t.classes, kind)}
                title={named(t.classes, kind)}
                onClick={() => setQuery({ class: only === kind ? null : kind })}
              >
                <Mark kind={kind}>
                  {format.number([...kindsOf.values()].filter((one) => one === kind).length, lang)}
                </Mark>
              </button>
            ))}
          </span>
          <span class="grow" />
          {picked.length > 0 && mayKnow ? (
            <button type="button" data-testid="acknowledge-chosen" onClick={() => setKnowing(true)}>
              {fill(a.knowChosen, { n: picked.length })}
            </button>
          ) : null}
        </div>
        <ErrorText text={list.error} testid="list-error" />
        {list.items && shown.length === 0 ? (
          <p class="note ok alert-none" data-testid="no-alerts">
            {state === 'open' && only === null ? a.none : a.noneOfThese}
          </p>
        ) : null}
        {sections.map(([title, groups]) =>
          groups.length === 0 ? null : (
            <div key={title}>
              <h2 class="alert-when">{title}</h2>
              <ul>
                {groups.map((group) => (
                  <AlertLine
                    key={group.alerts[0]!.id}
                    group={group}
                    kind={kindsOf.get(group)!}
                    title={titleOf(group)}
                    me={me}
                    nameOf={nameOf}
                    isSelected={group === selected}
                    isChosen={chosen.includes(group.alerts[0]!.id)}
                    onChoose={(is) =>
                      setChosen(
                        is ? [...chosen, group.alerts[0]!.id] : chosen.filter((id) => id !== group.alerts[0]!.id),
                      )
                    }
                    onKnow={() => {
                      setQuery({ alert: group.alerts[0]!.id });
                      setWrites(writes + 1);
                    }}
                  />
                ))}
              </ul>
            </div>
          ),
        )}
        {recipients ? <Recipients found={recipients} zone={me.zone} /> : null}
      </section>
      {selected ? (
        <AlertSheet group={selected} title={titleOf(selected)} me={me} writes={writes} onDone={done} />
      ) : null}
      {knowing ? (
        <KnowChosen groups={picked} titleOf={titleOf} onDone={done} onClose={() => setKnowing(false)} />
      ) : null}
    </div>
  );
}

function AlertLine({
  group,
  kind,
  title,
  me,
  nameOf,
  isSelected,
  isChosen,
  onChoose,
  onKnow,
}: {
  group: AlertGroup;
  kind: StateKind;
  title: string;
  me: Me;
  nameOf: (id: string) => string;
  isSelected: boolean;
  isChosen: boolean;
  onChoose: (is: boolean) => void;
  onKnow: () => void;
}) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const alert = group.alerts[0]!;
  const isOver = alert.resolved !== null;
  const since = Math.min(...group.alerts.map((one) => parseInstant(one.since)));
  const until = alert.resolved === null ? serverNow() : parseInstant(alert.resolved);
  const cameras = alertCameras(group);
  const known = group.alerts.find((one) => one.acknowledged_by);
  const facts = [
    group.shared.map(([, value]) => value).join(', '),
    Object.entries(causesOf(alert))
      .map(([cause, n]) => (n === 1 ? causeWords(cause, t) : `${causeWords(cause, t)} (${n})`))
      .join(', '),
    group.alerts.length === 1 && cameras.length > 1 ? cameras.slice(0, 3).map(nameOf).join(', ') : '',
    alert.flaps > 0 ? fill(a.flaps, { n: alert.flaps }) : '',
    alert.undelivered.length > 0 ? `${a.undelivered} ${alert.undelivered.join(', ')}` : '',
  ].filter(Boolean);
  return (
    <li
      class={`alert-line${isOver ? ' over' : ''}`}
      aria-current={isSelected ? 'true' : undefined}
      data-testid={group.alerts.length > 1 ? 'alert-group' : 'alert-row'}
      data-kind={alert.kind}
      data-open={!isOver}
      data-count={group.alerts.length}
    >
      {isOver ? (
        <span />
      ) : (
        <input
          type="checkbox"
          aria-label={title}
          data-testid="alert-choose"
          checked={isChosen}
          onChange={(event) => onChoose(event.currentTarget.checked)}
        />
      )}
      <i class={`h ${kind === 'unknown' ? 'policy' : kind}`} aria-hidden="true" />
      <b class="count">{cameras.length > 0 ? format.number(cameras.length, lang) : '–'}</b>
      <span class="what">
        <a href={href('alerts', { state: isOver ? 'over' : null, alert: alert.id })} data-testid="alert-open">
          <Mark kind={kind}>{title}</Mark>
        </a>
        <small class="ell" {...(group.shared.length > 0 ? { 'data-testid': 'alert-shared' } : {})}>
          {facts.join(' · ')}
        </small>
      </span>
      <span class="num">
        <b>{format.durationBetween(since, until, lang)}</b>
        <small>{format.shortDateTime(since, serverNow(), lang, me.zone)}</small>
      </span>
      <span class="who mut">
        {known ? (
          <span class="ell" title={known.note ?? ''} data-testid="alert-known">
            {known.acknowledged_by}
            {known.note ? `: ${known.note}` : ''}
          </span>
        ) : !isOver && may(me, 'report') ? (
          <button type="button" class="small" data-testid="acknowledge" onClick={onKnow}>
            {a.acknowledge}
          </button>
        ) : null}
      </span>
    </li>
  );
}

function causesOf(alert: Alert): Record<string, unknown> {
  const { causes, cause } = alert.detail;
  return typeof causes === 'object' && causes !== null
    ? (causes as Record<string, unknown>)
    : typeof cause === 'string'
      ? { [cause]: 1 }
      : {};
}
