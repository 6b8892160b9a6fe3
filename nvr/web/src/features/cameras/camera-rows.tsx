// The list itself: rows of 36 pixels, of which only those near the screen exist. ↑ ↓ go from row to row, X chooses,
// Enter opens.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { cameraHref } from '../../router';
import { placeOf, type FleetRow } from '../../shared/fleet';
import { useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { visible, type Slice } from '../../shared/ui/virtual';
import { Spark } from '../../shared/ui/spark';
import { faultsOf, useBars, type TrackBar } from '../../shared/bars';
import { RowState } from './row-state';

export interface ListProps {
  rows: readonly FleetRow[];
  zone: string;
  picked: ReadonlySet<string>;
  /** `range`: all from the one before to this one. */
  onPick: (row: FleetRow, range: boolean) => void;
}

export function CameraRows({ rows, zone, picked, onPick, onAll }: ListProps & { onAll: (on: boolean) => void }) {
  const { t } = useWords();
  const c = t.cameras;
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(36);
  const [{ first, last }, setSlice] = useState<Slice>({ first: 0, last: 30 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const update = (): void => {
      // The stylesheet decides how high a row is on this screen; a row's height never depends on its content.
      const row = parseFloat(getComputedStyle(element).getPropertyValue('--row-px')) || 36;
      setHeight(row);
      const next = visible(element.scrollTop, element.clientHeight, row, rows.length, 6);
      setSlice((now) => (now.first === next.first && now.last === next.last ? now : next));
    };
    update();
    const sizes = new ResizeObserver(update);
    sizes.observe(element);
    element.addEventListener('scroll', update, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener('scroll', update);
    };
  }, [rows.length]);
  const shown = rows.slice(first, last);
  const bars = useBars(shown.map((row) => row.id));

  const keys = (event: KeyboardEvent): void => {
    const links = [...(box.current?.querySelectorAll<HTMLElement>('a.r-link') ?? [])];
    const at = links.findIndex(
      (link) => link === document.activeElement || link.parentElement?.contains(document.activeElement),
    );
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = links[Math.min(links.length - 1, Math.max(0, at + (event.key === 'ArrowDown' ? 1 : -1)))];
      next?.focus();
      next?.scrollIntoView({ block: 'nearest' });
    } else if (event.key.toLowerCase() === 'x' && at >= 0 && !event.ctrlKey && !event.metaKey) {
      const row = rows.find(({ id }) => id === links[at]!.dataset['camera']);
      if (row) onPick(row, event.shiftKey);
    }
  };

  return (
    <div class="rows" ref={box} role="table" aria-label={c.title} aria-rowcount={rows.length + 1} onKeyDown={keys}>
      <div class="r head" role="row">
        <span role="columnheader">
          <input
            type="checkbox"
            aria-label={c.all}
            data-testid="pick-all"
            checked={rows.length > 0 && rows.every((row) => picked.has(row.id))}
            onChange={(event) => onAll(event.currentTarget.checked)}
          />
        </span>
        <span role="columnheader">{t.admin.name}</span>
        <span role="columnheader" class="place">
          {c.place}
        </span>
        <span role="columnheader" class="isp">
          {t.report.labelNames.isp}
        </span>
        <span role="columnheader" class="sp">
          {c.lastDay}
        </span>
        <span role="columnheader" class="num pc">
          {t.report.coverage}
        </span>
        <span role="columnheader">{c.state}</span>
      </div>
      <ul class="camera-rows" role="rowgroup" data-testid="camera-list" style={{ height: `${rows.length * height}px` }}>
        {shown.map((row, n) => (
          <Row
            key={row.id}
            row={row}
            zone={zone}
            top={(first + n) * height}
            position={first + n + 2}
            isPicked={picked.has(row.id)}
            bar={bars.get(row.id)}
            onPick={(range) => onPick(row, range)}
          />
        ))}
      </ul>
    </div>
  );
}

function Row({
  row,
  zone,
  top,
  position,
  isPicked,
  bar,
  onPick,
}: {
  row: FleetRow;
  zone: string;
  top: number;
  position: number;
  isPicked: boolean;
  bar: TrackBar | undefined;
  onPick: (range: boolean) => void;
}) {
  const { lang } = useWords();
  const faults = bar ? faultsOf(bar) : null;
  return (
    <li
      class="r"
      role="row"
      data-testid="camera-row"
      data-camera={row.id}
      data-state={row.state}
      data-sel={isPicked}
      aria-rowindex={position}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" class="pick">
        <input
          type="checkbox"
          aria-label={row.name}
          data-testid="pick"
          checked={isPicked}
          onClick={(event) => onPick(event.shiftKey)}
        />
      </span>
      <span role="cell" class="nm">
        <a class="r-link ell" href={cameraHref(row.id)} data-camera={row.id} translate={false} title={row.id}>
          {row.name}
        </a>
      </span>
      <span role="cell" class="ell mut place" translate={false}>
        {placeOf(row)}
      </span>
      <span role="cell" class="ell isp" translate={false}>
        {row.labels['isp'] ?? ''}
      </span>
      <span role="cell" class="sp">
        <Spark bar={bar} />
      </span>
      <span role="cell" class="num pc">
        {faults && row.state !== 'off'
          ? format.percent(faults.recordedS, faults.recordedS + faults.missingS, lang)
          : '–'}
      </span>
      <span role="cell" class="state-cell">
        <RowState row={row} zone={zone} />
      </span>
    </li>
  );
}
