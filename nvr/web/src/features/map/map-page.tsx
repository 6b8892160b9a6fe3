// The map: is it one cause? Cameras by what keeps them from being recorded, those that failed together explained by
// what they share. It asks nobody but this server, and draws the operator's own streets.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PageProps } from '../../page-def';
import { playbackHref } from '../../frame/palette';
import { TopSlot } from '../../frame/top-bar';
import { cameraHref, href, setQuery } from '../../router';
import { may, serverNow } from '../../session';
import { useFleet } from '../../shared/fleet';
import { fill, named, useWords } from '../../shared/i18n';
import { causeWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import { useStore } from '../../shared/store';
import { sharedQuery } from '../../shared/together';
import { theme } from '../../shared/theme';
import { Mark, type StateKind } from '../../shared/ui/mark';
import { Sign } from '../../shared/ui/signs';
import { countRows } from '../cameras/list-filter';
import { RowState } from '../cameras/row-state';
import { LastPicture } from '../cameras/thumbnail';
import { outagesOf } from '../watch/outages';
import { drawMap } from './draw';
import {
  clusters,
  distanceKm,
  clusterAt,
  placed,
  viewOf,
  zoomed,
  type Cluster,
  type MapView,
  type Placed,
  type Point,
} from './projection';
import { loadStreets, type Streets } from './streets';
import './map.css';

const MOST_LISTED = 60;
const MOST_IN_PIN = 3;
const MOST_TOGETHER = 16;
const WORST: readonly StateKind[] = ['server', 'network', 'camera', 'unknown', 'decision', 'policy', 'ok'];

export function MapPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const m = t.map;
  const { rows } = useFleet();
  const colours = useStore(theme);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [view, setView] = useState<MapView | null>(() => viewFrom(params.get('at')));
  const [streets, setStreets] = useState<Streets | null | undefined>(undefined);
  const [pin, setPin] = useState<Cluster | null>(null);
  const only = params.get('state') as StateKind | null;
  const all = useMemo(() => placed(rows ?? []), [rows]);
  const shown = useMemo(() => (only ? all.filter(({ kind }) => kind === only) : all), [all, only]);
  const counts = useMemo(() => countRows(rows ?? []), [rows]);
  const outages = useMemo(() => outagesOf(rows ?? []), [rows]);

  useEffect(() => {
    const stop = new AbortController();
    loadStreets(stop.signal).then(setStreets, () => stop.signal.aborted || setStreets(null));
    return () => stop.abort();
  }, []);
  useEffect(() => {
    const element = box.current!;
    const sizes = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  // All cameras, once it is known where they are; then what was looked at.
  useEffect(() => {
    if (view || size.width === 0 || streets === undefined || !rows) return;
    const points = all.length > 0 ? all.map(({ at }) => at) : (streets?.corners ?? []);
    if (points.length > 0) setView(viewOf(points, size.width, size.height));
  }, [view, size, all, streets, rows]);

  const found = useMemo(
    () => (view && size.width > 0 ? clusters(shown, view, size.width, size.height) : []),
    [shown, view, size],
  );
  useEffect(() => {
    const element = canvas.current;
    if (!element || !view || size.width === 0) return;
    const frame = requestAnimationFrame(() => drawMap(element, size, view, streets ?? null, found, lang));
    return () => cancelAnimationFrame(frame);
  }, [view, size, streets, found, colours, lang]);
  const keepView = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const look = (next: MapView): void => {
    setView(next);
    setPin(null);
    clearTimeout(keepView.current);
    keepView.current = setTimeout(() => setQuery({ at: textOf(next) }), 400);
  };
  useEffect(() => () => clearTimeout(keepView.current), []);

  const pointers = useRef(new Map<number, Point>());
  const moved = useRef(false);
  const at = (event: PointerEvent | WheelEvent | MouseEvent): Point => {
    const edge = canvas.current!.getBoundingClientRect();
    return { x: event.clientX - edge.left, y: event.clientY - edge.top };
  };
  const down = (event: PointerEvent): void => {
    canvas.current!.setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, at(event));
    moved.current = false;
  };
  const move = (event: PointerEvent): void => {
    const before = pointers.current.get(event.pointerId);
    if (!before || !view) return;
    const now = at(event);
    const others = [...pointers.current].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    pointers.current.set(event.pointerId, now);
    if (Math.hypot(now.x - before.x, now.y - before.y) > 2) moved.current = true;
    if (others[0]) {
      const spread = ({ x, y }: Point): number => Math.hypot(x - others[0]!.x, y - others[0]!.y);
      look(zoomed(view, size.width, size.height, others[0], spread(now) / Math.max(1, spread(before))));
    } else if (moved.current)
      look({ ...view, x: view.x - (now.x - before.x) / view.scale, y: view.y - (now.y - before.y) / view.scale });
  };
  const showAll = (): void =>
    look(
      viewOf(
        all.map((one) => one.at),
        size.width,
        size.height,
      ),
    );
  const up = (event: PointerEvent): void => {
    const was = pointers.current.delete(event.pointerId);
    if (was && !moved.current) setPin(clusterAt(found, at(event)));
  };
  const zoom = (by: number, where: Point = { x: size.width / 2, y: size.height / 2 }): void => {
    if (view) look(zoomed(view, size.width, size.height, where, by));
  };
  const keys = (event: KeyboardEvent): void => {
    if (!view) return;
    const step = 80 / view.scale;
    const by: Record<string, Partial<MapView>> = {
      ArrowLeft: { x: view.x - step },
      ArrowRight: { x: view.x + step },
      ArrowUp: { y: view.y - step },
      ArrowDown: { y: view.y + step },
    };
    if (by[event.key]) look({ ...view, ...by[event.key] });
    else if (event.key === '+' || event.key === '=') zoom(1.6);
    else if (event.key === '-') zoom(1 / 1.6);
    else if (event.key === 'Escape') setPin(null);
    else return;
    event.preventDefault();
  };

  const inView = useMemo(() => {
    const list = found.flatMap(({ members }) => members);
    return list.sort(
      (a, b) =>
        WORST.indexOf(a.kind) - WORST.indexOf(b.kind) ||
        a.row.name.localeCompare(b.row.name, undefined, { numeric: true }),
    );
  }, [found]);
  const isNowhere = rows !== null && all.length === 0;
  const legend: Array<[StateKind, number, string]> = [
    ['ok', counts.recorded, t.cameras.recorded],
    ...(['network', 'camera', 'server', 'unknown'] as const).map((kind): [StateKind, number, string] => [
      kind,
      counts.byKind.get(kind) ?? 0,
      named(t.classes, kind) ?? t.causes.unknown,
    ]),
    ['decision', counts.off, t.cameras.off],
  ];

  return (
    <div class="map-page" data-testid="map-page" data-placed={all.length}>
      <TopSlot>
        <span class="mut nowrap no-phone" data-testid="placed">
          {rows ? fill(m.placedOf, { n: format.number(all.length, lang), all: format.number(rows.length, lang) }) : ''}
        </span>
      </TopSlot>
      <section class="m" aria-label={m.title} ref={box}>
        <canvas
          ref={canvas}
          role="application"
          aria-label={m.help}
          tabIndex={0}
          data-testid="map"
          onPointerDown={down}
          onPointerMove={move}
          onPointerUp={up}
          onPointerCancel={up}
          onWheel={(event) => {
            event.preventDefault();
            zoom(Math.exp(-event.deltaY / 400), at(event));
          }}
          onKeyDown={keys}
        />
        {isNowhere ? (
          <p class="note nowhere" data-testid="nowhere">
            {m.nowhere}
          </p>
        ) : null}
        {pin && view ? (
          <Pin pin={pin} all={all} outages={outages} size={size} me={me} onClose={() => setPin(null)} />
        ) : null}
        <div class="legend no-phone" role="group" aria-label={t.cameras.state}>
          {legend
            .filter(([, count]) => count > 0)
            .map(([kind, count, words]) => (
              <button
                key={kind}
                type="button"
                data-testid={`legend-${kind}`}
                aria-pressed={only === kind}
                onClick={() => setQuery({ state: only === kind ? null : kind })}
              >
                <Mark kind={kind}>{words}</Mark>
                <b>{format.number(count, lang)}</b>
              </button>
            ))}
        </div>
        <div class="zoom">
          <button
            type="button"
            class="ib"
            data-testid="zoom-in"
            aria-label={t.timeline.zoomIn}
            onClick={() => zoom(1.6)}
          >
            <Sign name="plus" />
          </button>
          <button
            type="button"
            class="ib"
            data-testid="zoom-out"
            aria-label={t.timeline.zoomOut}
            onClick={() => zoom(1 / 1.6)}
          >
            <Sign name="minus" />
          </button>
          <button
            type="button"
            class="ib"
            data-testid="zoom-all"
            aria-label={m.allInView}
            title={m.allInView}
            onClick={() => all.length > 0 && showAll()}
          >
            <Sign name="full" />
          </button>
        </div>
      </section>
      <aside class="side" aria-label={m.inView} tabIndex={0}>
        <h2>
          {fill(m.inViewOf, { n: format.number(inView.length, lang) })}
          {inView.length > 0 && inView.length <= MOST_TOGETHER && may(me, 'playback') ? (
            <a
              class="btn s"
              href={playbackHref(
                inView.map(({ row }) => row.id),
                null,
              )}
            >
              {t.cameras.play}
            </a>
          ) : null}
        </h2>
        <ul data-testid="in-view">
          {inView.slice(0, MOST_LISTED).map(({ row }) => (
            <li key={row.id}>
              <a class="cardrow" href={cameraHref(row.id)} data-testid="map-row" data-camera={row.id}>
                <LastPicture row={row} width={240} />
                <b class="strong ell" translate={false}>
                  {row.name}
                </b>
                <RowState row={row} zone={me.zone} />
              </a>
            </li>
          ))}
        </ul>
        {inView.length > MOST_LISTED ? (
          <p class="mut more">{fill(t.gapList.more, { n: format.number(inView.length - MOST_LISTED, lang) })}</p>
        ) : null}
      </aside>
    </div>
  );
}

function Pin({
  pin,
  all,
  outages,
  size,
  me,
  onClose,
}: {
  pin: Cluster;
  all: readonly Placed[];
  outages: ReturnType<typeof outagesOf>;
  size: { width: number; height: number };
  me: PageProps['me'];
  onClose: () => void;
}) {
  const { t, lang } = useWords();
  const m = t.map;
  const first = pin.members[0]!.row;
  // What failed with the first of them, wherever that is on the map.
  const outage = outages.find(({ members }) => members.some(({ id }) => pin.members.some(({ row }) => row.id === id)));
  const together = outage && outage.members.length > 1 ? outage : null;
  const ids = new Set((together?.members ?? pin.members.map(({ row }) => row)).map(({ id }) => id));
  const places = all.filter(({ row }) => ids.has(row.id));
  const middle = mean(places.map(({ at }) => at));
  const radius = Math.max(0, ...places.map(({ at }) => distanceKm(at, middle)));
  const provider = together?.shared.find(([label]) => label === 'isp')?.[1];
  const others = together
    ? all.filter(
        ({ row, kind, at }) => kind === 'ok' && row.labels['isp'] !== provider && distanceKm(at, middle) <= radius,
      ).length
    : 0;
  const rows = together?.members ?? pin.members.map(({ row }) => row);
  return (
    <div
      class="tip pin"
      data-testid="pin"
      data-count={rows.length}
      style={{
        left: `${Math.max(8, Math.min(pin.at.x - 120, size.width - 284))}px`,
        top: `${Math.min(pin.at.y + 22, Math.max(8, size.height - 220))}px`,
      }}
    >
      <header>
        <b class="strong">
          {together
            ? fill(m.oneCause, { n: rows.length })
            : rows.length > 1
              ? fill(t.frame.camerasOf, { n: rows.length })
              : first.name}
        </b>
        <button type="button" class="ib" aria-label={t.close} onClick={onClose}>
          <Sign name="cross" />
        </button>
        {together ? (
          <>
            <p>
              <Mark kind={pin.kind}>
                {together.cause ? causeWords(together.cause, t) : t.cameras.noCause}{' '}
                {fill(t.cameras.since, { time: format.shortDateTime(together.since, serverNow(), lang, me.zone) })}
              </Mark>
            </p>
            <p class="mut">
              {together.shared.length > 0
                ? fill(m.share, { what: together.shared.map(([, value]) => value).join(', ') })
                : m.shareNothing}{' '}
              {fill(m.within, { km: format.number(Math.max(0.1, radius), lang, 1) })}{' '}
              {others > 0 ? fill(m.othersThere, { n: format.number(others, lang) }) : ''}
            </p>
          </>
        ) : rows.length === 1 ? (
          <RowState row={first} zone={me.zone} />
        ) : null}
      </header>
      <ul class="list">
        {rows.slice(0, rows.length === 1 ? 0 : MOST_IN_PIN).map((row) => (
          <li key={row.id}>
            <a href={cameraHref(row.id)} translate={false}>
              {row.name}
            </a>
          </li>
        ))}
        <li>
          {rows.length === 1 ? (
            <a href={cameraHref(first.id)}>{t.frame.open}</a>
          ) : rows.length > MOST_IN_PIN ? (
            <a
              href={href('cameras', {
                state: rows.every((row) => row.state === 'down') ? 'down' : null,
                labels: together ? sharedQuery(together.shared) : null,
              })}
            >
              {fill(t.gapList.more, { n: format.number(rows.length - MOST_IN_PIN, lang) })}
            </a>
          ) : null}
        </li>
      </ul>
    </div>
  );
}

function mean(points: readonly Point[]): Point {
  const sum = points.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
  return { x: sum.x / Math.max(1, points.length), y: sum.y / Math.max(1, points.length) };
}

function textOf({ x, y, scale }: MapView): string {
  return `${x.toFixed(7)},${y.toFixed(7)},${Math.log2(scale).toFixed(2)}`;
}

function viewFrom(text: string | null): MapView | null {
  const [x, y, zoom] = (text ?? '').split(',').map(Number);
  if (x === undefined || y === undefined || zoom === undefined) return null;
  if (![x, y, zoom].every(Number.isFinite) || zoom < 8 || zoom > 28) return null;
  return { x, y, scale: 2 ** zoom };
}
