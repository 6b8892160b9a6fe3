// What citizens reported of a camera on this day, beside what is known of it then. They are strangers' words, and said to
// be: nothing follows from them by itself.

import { useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Camera, CitizenReport } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import { causeWords } from '../../shared/i18n/words';
import { parseInstant } from '../../shared/time/instant';
import { usePoll } from '../../shared/ui/poll';
import { Table } from '../../shared/ui/table';
import { Time } from '../../shared/ui/time';
import type { DayCoverage } from '../../timeline/day-coverage';
import type { Bounds } from '../../timeline/geometry';

const EVERY_MS = 60_000;

interface ReportsProps {
  camera: Camera;
  day: Bounds;
  coverage: DayCoverage | null;
  zone: string;
}

/** Cameras that are not public have none, and nothing is asked about them. */
export function CitizenReportList(props: ReportsProps) {
  return ['live', 'yes', 'status'].includes((props.camera.labels['public'] ?? '').toLowerCase()) ? (
    <Reports {...props} />
  ) : null;
}

function Reports({ camera, day, coverage, zone }: ReportsProps) {
  const { t } = useWords();
  const r = t.citizenReports;
  const [found, setFound] = useState<readonly CitizenReport[]>([]);
  usePoll(
    async (signal) => setFound((await api.citizenReports(camera.id, day.start, day.end, signal)).reports),
    EVERY_MS,
    `${camera.id} ${day.start}`,
  );
  if (found.length === 0) return null;
  const known = (one: CitizenReport): string => {
    const [first, last] = [parseInstant(one.first), parseInstant(one.last)];
    const gap = (coverage?.gaps ?? []).find((item) => item.start <= last && item.end >= first);
    return gap ? causeWords(gap.gap.cause, t) : coverage ? r.wasRecorded : '–';
  };
  return (
    <section class="panel" aria-labelledby="citizen-reports-title" data-testid="citizen-reports">
      <h2 id="citizen-reports-title">{r.title}</h2>
      <Table heads={[r.time, r.what, r.note, r.known]}>
        {found.map((one) => (
          <tr key={`${one.first} ${one.kind}`} data-testid="citizen-report" data-kind={one.kind}>
            <td data-label={r.time} class="nowrap">
              <Time at={parseInstant(one.first)} zone={zone} show="clock" />
            </td>
            <td data-label={r.what}>
              {t.publicView.faults[one.kind]}
              {one.count > 1 ? <span class="muted"> {fill(r.times, { n: one.count })}</span> : null}
            </td>
            <td data-label={r.note} class="detail">
              {one.note || '–'}
            </td>
            <td data-label={r.known}>{known(one)}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
