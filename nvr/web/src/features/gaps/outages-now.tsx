// Cameras that should be recorded now and are not.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref } from '../../router';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { OutageList } from '../../shared/api/schema';
import { usePoll } from '../../shared/ui/poll';
import { Time } from '../../shared/ui/time';
import { causeWords, detailWords } from '../../shared/i18n/words';
import { Table } from '../../shared/ui/table';

const MAX_ROWS = 50;
const PAUSE = 15_000;

export function OutagesNow({ zone }: { zone: string }) {
  const { t, lang } = useWords();
  const r = t.report;
  const [found, setFound] = useState<OutageList | null>(null);
  const [all, setAll] = useState(false);
  usePoll(async (signal) => setFound(await api.outages(signal)), PAUSE);
  if (!found) return null;
  const rows = all ? found.outages : found.outages.slice(0, MAX_ROWS);
  return (
    <section class="sec" data-testid="outages" data-count={found.outages.length}>
      <header>
        <h2>{r.now}</h2>
        <span class="cap">{fill(r.asOf, { time: format.dateTime(parseInstant(found.as_of), lang, zone) })}</span>
      </header>
      {found.outages.length === 0 ? (
        <p class="good">{fill(r.noOutage, { all: format.number(found.cameras, lang) })}</p>
      ) : (
        <>
          <p>
            {fill(r.outagesOf, {
              count: format.number(found.outages.length, lang),
              all: format.number(found.cameras, lang),
            })}
          </p>
          <Table heads={[t.gapList.camera, r.since, t.gapList.duration, t.gapList.cause, t.gapList.detail]}>
            {rows.map((one) => (
              <tr key={one.camera} data-testid="outage-row" data-camera={one.camera}>
                <td data-label={t.gapList.camera}>
                  <a href={cameraHref(one.camera, { at: one.since })}>{one.name || one.camera}</a>
                </td>
                <td data-label={r.since} class="nowrap">
                  <Time at={parseInstant(one.since)} zone={zone} show="plain" />
                </td>
                <td data-label={t.gapList.duration} class="nowrap">
                  {one.at_least ? '> ' : ''}
                  {format.duration(one.duration_s, lang)}
                </td>
                <td data-label={t.gapList.cause}>
                  <span class={`swatch gap-${one.class}`} aria-hidden="true" />
                  {one.cause === null ? t.cameras.noCause : causeWords(one.cause, t)}
                </td>
                <td data-label={t.gapList.detail} class="detail">
                  {detailWords(one.detail, t)}
                </td>
              </tr>
            ))}
          </Table>
          {rows.length < found.outages.length ? (
            <button type="button" class="small" onClick={() => setAll(true)}>
              {fill(t.gapList.more, { n: format.number(found.outages.length - rows.length, lang) })}
            </button>
          ) : null}
        </>
      )}
    </section>
  );
}
