// What an order does: the server's dry run, and what it means for districts, citizens and cases.

import { useMemo } from 'preact/hooks';
import { useFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import type { OrderPreview } from '../../shared/api/schema';
import { objectHref } from '../../router';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import { SmallMap } from '../map/small-map';
import { orderSums, type DistrictSum } from './order-sums';

const MOST_DISTRICTS = 6;
const MOST_HOLDS = 5;

export function OrderImpact({ preview: p, zone }: { preview: OrderPreview; zone: string }) {
  const { t, lang } = useWords();
  const o = t.orders;
  const { rows } = useFleet();
  const sums = useMemo(() => orderSums(p.cameras, rows ?? []), [p.cameras, rows]);
  const n = (value: number, digits = 0): string => format.number(value, lang, digits);
  const lost = p.camera_hours ?? p.camera_hours_a_day;
  return (
    <div data-testid="order-impact" data-cameras={p.cameras.length}>
      <header class="sec-head">
        <h2>{o.dryRunTitle}</h2>
        <span class="cap">
          {fill(o.dryRunOf, { time: format.clock(parseInstant(p.as_of), lang, zone) })}{' '}
          <span class="mono" translate={false} title={p.plan_hash}>
            {p.plan_hash.slice(0, 4)}…{p.plan_hash.slice(-2)}
          </span>
        </span>
      </header>
      <div class="impact">
        <div>
          <span class="lbl">{o.switchedOff}</span>
          <b>{n(p.cameras.length)}</b>
          <span>
            {fill(o.recordedNow, { n: n(p.recording) })}
            {p.disabled_before ? `, ${fill(o.offAlready, { n: n(p.disabled_before) })}` : ''}
          </span>
        </div>
        <div>
          <span class="lbl">{o.lost}</span>
          <b>{fill(p.camera_hours === null ? o.daysADay : o.days, { n: n(lost / 24, lost < 240 ? 1 : 0) })}</b>
          <span>
            {p.until === null
              ? o.noExpectedEnd
              : `${format.date(parseInstant(p.start), lang, zone)} – ${format.date(parseInstant(p.until), lang, zone)}`}
          </span>
        </div>
        <div>
          <span class="lbl">{o.seenByCitizens}</span>
          <b>{n(sums.publicChosen)}</b>
          <span>{fill(o.goDark, { n: n(sums.publicAll) })}</span>
        </div>
        <div>
          <span class="lbl">{o.cases}</span>
          <b class={p.cases.length > 0 ? 'tx-camera' : ''}>{n(p.cases.length)}</b>
          <span translate={false}>
            {p.cases
              .map((found) => found.number)
              .slice(0, 3)
              .join(', ') || '–'}
          </span>
        </div>
        <div>
          <span class="lbl">{o.holds}</span>
          <b>{n(p.holds.length)}</b>
          <span>{o.heldStays}</span>
        </div>
        <div>
          <span class="lbl">{p.cost_a_month === null ? o.saved : o.savedAMonth}</span>
          <b>
            {p.cost_a_month !== null
              ? `Rp ${n(p.cost_a_month)}`
              : p.mbit_per_s !== null
                ? `${n(p.mbit_per_s, 1)} Mbit/s`
                : '–'}
          </b>
          <span>
            {p.mbit_per_s === null
              ? fill(o.savedNone, { n: n(p.unknown) })
              : fill(o.savedOf, { mbit: n(p.mbit_per_s, 1), measured: n(p.measured) })}
            {p.mbit_per_s !== null && p.unknown ? `; ${fill(o.savedUnknown, { n: n(p.unknown) })}` : ''}
            {p.cost_saved === null ? '' : `; ${fill(o.costUntil, { sum: n(p.cost_saved) })}`}
          </span>
        </div>
      </div>
      <div class={sums.places.length > 0 ? 'where' : ''}>
        <Districts districts={sums.districts} />
        {sums.places.length > 0 ? (
          <figure>
            <SmallMap found={sums.places} label={o.mapLabel} />
            <figcaption class="cap">
              {fill(o.afterwards, {
                percent: format.percent(sums.onBefore - sums.onAfter, sums.onBefore, lang),
                left: n(sums.onAfter),
              })}
            </figcaption>
          </figure>
        ) : null}
      </div>
      {p.cases.length > 0 ? (
        <section class="sec">
          <header>
            <h3>{o.casesTitle}</h3>
            <span class="cap">{o.casesHint}</span>
          </header>
          <ul class="list">
            {p.cases.map((found) => (
              <li key={found.id}>
                <a class="touched" href={objectHref('case', found.id)} translate={false}>
                  {found.number}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {p.holds.length > 0 ? (
        <p class="hint holds-touched">
          {p.holds
            .slice(0, MOST_HOLDS)
            .map((hold) => `${hold.camera} (${hold.reason})`)
            .join(', ')}
          {p.holds.length > MOST_HOLDS ? ` ${fill(o.more, { n: n(p.holds.length - MOST_HOLDS) })}` : ''}
        </p>
      ) : null}
    </div>
  );
}

function Districts({ districts }: { districts: readonly DistrictSum[] }) {
  const { t, lang } = useWords();
  const o = t.orders;
  const shown = districts.slice(0, MOST_DISTRICTS);
  const others = districts.slice(MOST_DISTRICTS);
  const rest = others.reduce((sum, one) => ({ chosen: sum.chosen + one.chosen, all: sum.all + one.all }), {
    chosen: 0,
    all: 0,
  });
  const row = (key: string, name: string, isName: boolean, chosen: number, all: number) => (
    <tr key={key} data-testid="order-district">
      <td translate={!isName}>{name}</td>
      <td class="share">
        <span class="bar">
          <i class="h decision" style={{ width: `${(chosen / all) * 100}%` }} />
        </span>
      </td>
      <td class="num strong">{format.number(chosen, lang)}</td>
      <td class="num mut">{fill(o.ofAll, { n: format.number(all, lang) })}</td>
      <td class="num">{format.percent(chosen, all, lang)}</td>
    </tr>
  );
  return (
    <div>
      <header class="sec-head">
        <h3>{o.byDistrict}</h3>
        <span class="cap">{o.byDistrictHint}</span>
      </header>
      <div class="table-scroll" tabIndex={0}>
        <table class="t">
          <tbody>
            {shown.map((one) =>
              row(one.district ?? '', one.district ?? t.report.without, one.district !== null, one.chosen, one.all),
            )}
            {others.length > 0
              ? row('…', fill(o.moreDistricts, { n: others.length }), false, rest.chosen, rest.all)
              : null}
          </tbody>
        </table>
      </div>
    </div>
  );
}
