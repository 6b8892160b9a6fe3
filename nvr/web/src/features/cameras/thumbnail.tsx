// The last picture of a camera. Asked for once a minute at most while it is looked at; in between it is in memory.

import { useEffect, useState } from 'preact/hooks';
import { snapshotUrl } from '../../shared/api/client';
import type { FleetRow } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { MINUTE } from '../../shared/time/instant';
import { kindOf } from '../../shared/ui/mark';
import { usePicture } from '../../shared/ui/pictures';

/** Changes once a minute, and only while the camera is recorded: what is away has one last picture. */
export function minuteOf(row: Pick<FleetRow, 'state'>, nowMs: number): number {
  return row.state === 'recorded' ? Math.floor(nowMs / MINUTE) : 0;
}

export function LastPicture({ row, width = 320 }: { row: FleetRow; width?: number }) {
  const { t } = useWords();
  const [minute, setMinute] = useState(() => minuteOf(row, Date.now()));
  useEffect(() => {
    setMinute(minuteOf(row, Date.now()));
    if (row.state !== 'recorded') return;
    const timer = setInterval(() => document.hidden || setMinute(minuteOf(row, Date.now())), MINUTE / 4);
    return () => clearInterval(timer);
  }, [row.state]);
  const picture = usePicture(snapshotUrl(row.id, null, width), minute);
  const isOld = row.state !== 'recorded';
  if (picture === null)
    return (
      <span class={`thumb h soft ${isOld ? kindOf(row.class ?? 'unknown') : 'unknown'}`} data-testid="no-picture">
        <span class="tag">{t.cameras.noPicture}</span>
      </span>
    );
  return (
    <span class={`thumb${isOld ? ' old' : ''}`}>
      {picture === undefined ? null : (
        <img src={picture} alt={fill(t.cameras.snapshotOf, { name: row.name })} decoding="async" />
      )}
    </span>
  );
}
