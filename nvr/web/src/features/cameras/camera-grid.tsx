// The same cameras as pictures. Only those near the screen exist, and their pictures are asked for when they come
// there.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { cameraHref } from '../../router';
import { placeOf } from '../../shared/fleet';
import { useWords } from '../../shared/i18n';
import { visible, type Slice } from '../../shared/ui/virtual';
import type { ListProps } from './camera-rows';
import { RowState } from './row-state';
import { LastPicture } from './thumbnail';

const WIDTH = 240;
const TEXT_PX = 64;

export function CameraGrid({ rows, zone, picked, onPick }: ListProps) {
  const { t } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(4);
  const [height, setHeight] = useState(200);
  const [{ first, last }, setSlice] = useState<Slice>({ first: 0, last: 4 });
  const lines = Math.ceil(rows.length / columns);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const update = (): void => {
      const fit = Math.max(1, Math.floor(element.clientWidth / WIDTH));
      const line = (element.clientWidth / fit) * (9 / 16) + TEXT_PX;
      setColumns(fit);
      setHeight(line);
      const next = visible(element.scrollTop, element.clientHeight, line, Math.ceil(rows.length / fit), 1);
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
  const shown = rows.slice(first * columns, last * columns);
  return (
    <div class="rows" ref={box} aria-label={t.cameras.title} role="region" tabIndex={0}>
      <ul class="camera-grid" data-testid="camera-list" style={{ height: `${lines * height}px` }}>
        {shown.map((row, n) => {
          const place = first * columns + n;
          return (
            <li
              key={row.id}
              data-testid="camera-row"
              data-camera={row.id}
              data-sel={picked.has(row.id)}
              style={{
                width: `${100 / columns}%`,
                height: `${height}px`,
                transform: `translate(${(place % columns) * 100}%, ${Math.floor(place / columns) * height}px)`,
              }}
            >
              <a href={cameraHref(row.id)}>
                <LastPicture row={row} />
                <b class="ell" translate={false}>
                  {row.name}
                </b>
              </a>
              <label class="row">
                <input
                  type="checkbox"
                  aria-label={row.name}
                  checked={picked.has(row.id)}
                  onClick={(event) => onPick(row, event.shiftKey)}
                />
                <span class="ell mut" translate={false}>
                  {placeOf(row)}
                </span>
              </label>
              <RowState row={row} zone={zone} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}
