// Beside the wall: the three true counts, and what went away, grouped by what failed together.

import { cameraHref, href } from '../../router';
import { serverNow } from '../../session';
import type { FleetRow } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { causeWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import { sharedQuery } from '../../shared/together';
import { kindOf, Mark } from '../../shared/ui/mark';
import { LastPicture } from '../cameras/thumbnail';
import { countRows } from '../cameras/list-filter';
import type { FleetOutage } from './outages';

const MOST = 30;

export function WallSide({
  rows,
  outages,
  zone,
}: {
  rows: readonly FleetRow[];
  outages: readonly FleetOutage[];
  zone: string;
}) {
  const { t, lang } = useWords();
  const c = t.cameras;
  const counts = countRows(rows);
  const n = (count: number): string => format.number(count, lang);
  return (
    <aside class="side" aria-label={t.wall.away}>
      <div class="nums">
        <a href={href('cameras', { state: 'recorded' })}>
          <b>{n(counts.recorded)}</b>
          <Mark kind="ok">{c.recorded}</Mark>
        </a>
        <a href={href('cameras', { state: 'down', sort: 'state' })}>
          <b>{n(counts.down)}</b>
          <Mark kind="network">{c.down}</Mark>
        </a>
        <a href={href('cameras', { state: 'off' })}>
          <b>{n(counts.off)}</b>
          <Mark kind="decision">{c.off}</Mark>
        </a>
      </div>
      <h2>{t.wall.away}</h2>
      <div class="evs" tabIndex={0} role="region" aria-label={t.wall.away} data-testid="went-away">
        {outages.length === 0 ? <p class="none">{t.wall.noneAway}</p> : null}
        {outages.slice(0, MOST).map((outage) => (
          <OneOutage key={`${outage.cause} ${outage.since}`} outage={outage} zone={zone} />
        ))}
      </div>
    </aside>
  );
}

function OneOutage({ outage, zone }: { outage: FleetOutage; zone: string }) {
  const { t, lang } = useWords();
  const first = outage.members[0]!;
  const many = outage.members.length > 1;
  const shared = outage.shared.map(([, value]) => value);
  const link = many
    ? href('cameras', { state: 'down', labels: sharedQuery(outage.shared), sort: 'state' })
    : cameraHref(first.id);
  return (
    <a class="ev" href={link} data-testid="outage" data-count={outage.members.length}>
      {many ? (
        <span class="thumb n">{fill(t.wall.times, { n: outage.members.length })}</span>
      ) : (
        <LastPicture row={first} width={160} />
      )}
      <span class="row">
        <b class="strong ell grow" translate={false}>
          {many ? (shared[0] ?? fill(t.frame.camerasOf, { n: outage.members.length })) : first.name}
        </b>
        <time class="faint" title={format.utc(outage.since)}>
          {format.clock(outage.since, lang, zone)}
        </time>
      </span>
      <Mark kind={kindOf(outage.class)}>
        <span class="ell">{outage.cause ? causeWords(outage.cause, t) : t.cameras.noCause}</span>
      </Mark>
      <span class="mut ell">
        {[...shared.slice(1, 3), format.durationBetween(outage.since, serverNow(), lang)].join(' · ')}
      </span>
    </a>
  );
}
