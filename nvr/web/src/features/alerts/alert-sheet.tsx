// One cause: since when, what its cameras have in common and where they are, how it went, and that somebody knows.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Alert, Me } from '../../shared/api/schema';
import { useFleet, type FleetRow } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import { cameraHref, href } from '../../router';
import { may, serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { valueOf } from '../../shared/ui/field';
import { kindOf } from '../../shared/ui/mark';
import { Sign } from '../../shared/ui/signs';
import { LastPicture } from '../cameras/thumbnail';
import { placed } from '../map/projection';
import { SmallMap } from '../map/small-map';
import { FEW, HowItWent, Members, MOST_LISTED } from './alert-story';
import { alertCameras, classOf, commonOf, isKnown, othersRecorded, type AlertGroup } from './alert-groups';

const MOST_PICTURES = 3;

/** Says of all of them at once that somebody knows. */
export const acknowledge = (alerts: readonly Alert[], note: string): Promise<unknown> =>
  alerts.length === 1
    ? api.acknowledgeAlert(alerts[0]!.id, note)
    : api.acknowledgeAlerts(
        alerts.map((alert) => alert.id),
        note,
      );

export function AlertSheet({
  group,
  title,
  me,
  writes,
  onDone,
}: {
  group: AlertGroup;
  title: string;
  me: Me;
  /** Goes up when somebody wants to write the note. */
  writes: number;
  onDone: () => void;
}) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const { byId, rows } = useFleet();
  const first = group.alerts[0]!;
  const ids = alertCameras(group);
  const key = ids.join();
  const cameras = useMemo(
    () => ids.map((id) => byId.get(id)).filter((row): row is FleetRow => row !== undefined),
    [key, byId],
  );
  const places = useMemo(() => placed(cameras), [cameras]);
  const common = useMemo(() => commonOf(cameras), [cameras]);
  const others = useMemo(() => othersRecorded(cameras, rows ?? []), [cameras, rows]);
  const kind = kindOf(classOf(group, byId));
  const times = group.alerts.map((one) => parseInstant(one.since)).sort((x, y) => x - y);
  const since = times[0]!;
  const until = first.resolved === null ? serverNow() : parseInstant(first.resolved);
  const nameOf = (id: string): string => byId.get(id)?.name || id;
  return (
    <aside class="alert-sheet" aria-label={title} data-testid="alert-sheet">
      <header class="row">
        <div class="grow">
          <h2>{title}</h2>
          <p class="mut">
            {fill(a.sinceFor, {
              at: format.shortDateTime(since, serverNow(), lang, me.zone),
              length: format.durationBetween(since, until, lang),
            })}
            {times.length > 1
              ? ` · ${fill(a.allWithin, { length: format.durationBetween(since, times[times.length - 1]!, lang) })}`
              : ''}
          </p>
        </div>
        <a class="ib only-phone-flex" href={href('alerts')} aria-label={t.close}>
          <Sign name="cross" />
        </a>
      </header>
      <div class="alert-body" tabIndex={0}>
        {places.length > 0 ? <SmallMap found={places} label={a.mapLabel} /> : null}
        {common.length > 0 ? (
          <section>
            <h3>{a.inCommon}</h3>
            <ul class="in-common">
              {common.slice(0, 4).map((one) => (
                <li key={one.label}>
                  <span class="ell">
                    {named(t.report.labelNames, one.label) ?? one.label} <span translate={false}>{one.value}</span>
                  </span>
                  <span class="bar">
                    <i
                      class={`h ${kind === 'unknown' ? 'policy' : kind}`}
                      style={{ width: `${(one.count / cameras.length) * 100}%` }}
                    />
                  </span>
                  <span class="num">
                    {fill(t.report.someOf, {
                      n: format.number(one.count, lang),
                      all: format.number(cameras.length, lang),
                    })}
                  </span>
                </li>
              ))}
            </ul>
            {others && others.count > 0 ? (
              <p class="mut">{fill(a.othersRecorded, { n: format.number(others.count, lang), place: others.place })}</p>
            ) : null}
          </section>
        ) : null}
        <HowItWent group={group} me={me} nameOf={nameOf} />
        {cameras.length > 0 ? (
          <section>
            <h3>{a.lastPictures}</h3>
            <div class="last-pictures">
              {cameras.slice(0, MOST_PICTURES).map((row) => (
                <a key={row.id} href={cameraHref(row.id)}>
                  <LastPicture row={row} width={240} />
                  <span class="ell cap" translate={false}>
                    {row.name}
                  </span>
                </a>
              ))}
            </div>
          </section>
        ) : null}
        {first.members.length > 1 ? (
          <Members members={first.members} zone={me.zone} nameOf={nameOf} />
        ) : ids.length > 0 ? (
          <details class="members" open={ids.length <= FEW}>
            <summary>{fill(t.orders.chosen, { n: format.number(ids.length, lang) })}</summary>
            <ul>
              {ids.slice(0, MOST_LISTED).map((id) => (
                <li key={id}>
                  <a href={cameraHref(id)} translate={false}>
                    {nameOf(id)}
                  </a>
                </li>
              ))}
              {ids.length > MOST_LISTED ? (
                <li>{fill(a.more, { n: format.number(ids.length - MOST_LISTED, lang) })}</li>
              ) : null}
            </ul>
          </details>
        ) : null}
        {[...new Set(group.alerts.flatMap((one) => one.undelivered))].map((what) => (
          <p key={what} class="error">
            {a.undelivered} {what}
          </p>
        ))}
      </div>
      {first.resolved === null && may(me, 'report') ? (
        <KnowForm key={first.id} group={group} me={me} writes={writes} ids={ids} onDone={onDone} />
      ) : null}
    </aside>
  );
}

function KnowForm({
  group,
  me,
  writes,
  ids,
  onDone,
}: {
  group: AlertGroup;
  me: Me;
  writes: number;
  ids: readonly string[];
  onDone: () => void;
}) {
  const { t, lang } = useWords();
  const a = t.alerts;
  const [note, setNote] = useState(group.alerts.find((one) => one.note)?.note ?? '');
  const action = useAction();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (writes > 0) field.current?.focus();
  }, [writes]);
  const known = isKnown(group);
  return (
    <form
      class="alert-know"
      data-testid="acknowledge-form"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(() => acknowledge(group.alerts, note.trim())).then((done) => done && onDone());
      }}
    >
      <label class="field">
        <span class="lbl">{a.handOver}</span>
        <input
          ref={field}
          class="in"
          data-testid="acknowledge-note"
          value={note}
          onInput={(event) => setNote(valueOf(event))}
        />
      </label>
      <ErrorText text={action.error} testid="form-error" />
      <div class="row wrap">
        <button type="submit" class={known ? '' : 'primary'} data-testid="acknowledge-save" disabled={action.busy}>
          {known
            ? a.changeNote
            : group.alerts.length > 1
              ? fill(a.acknowledgeAll, { n: format.number(group.alerts.length, lang) })
              : a.acknowledge}
        </button>
        {ids.length > 0 && ids.length <= MOST_LISTED && may(me, 'orders') ? (
          <a class="btn" href={href('orders', { maintenance: ids.join(',') })} data-testid="as-maintenance">
            {a.asMaintenance}
          </a>
        ) : null}
        <span class="grow" />
        {ids.length > 1 && ids.length <= MOST_LISTED ? (
          <a class="btn quiet" href={href('gaps', { cameras: ids.join(',') })}>
            {t.nav.gaps}
          </a>
        ) : null}
      </div>
    </form>
  );
}
