// The wall: pictures as they come, of as many cameras as one can look at, and beside them what went away. Which cameras
// and how many places stands in the address, so that a wall can be handed to others.

import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { TopSlot } from '../../frame/top-bar';
import type { PageProps } from '../../page-def';
import { goTo, href, setQuery } from '../../router';
import { serverNow } from '../../session';
import { problemWords } from '../../shared/i18n/words';
import type { Failure } from '../../shared/api/routes';
import { useBars } from '../../shared/bars';
import { useFleet, type FleetRow } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { HOUR, MINUTE } from '../../shared/time/instant';
import { Sign } from '../../shared/ui/signs';
import { Spark } from '../../shared/ui/spark';
import { CameraPicker } from './camera-picker';
import type { LiveMessage } from './live-messages';
import { LiveWall } from './live-wall';
import { outagesOf } from './outages';
import { SavedWalls } from './saved-walls';
import { Tile, type TileFeed } from './tile';
import { columnsOf, idsOf, MOST_CAMERAS, sizeOf, SIZES, toggled, TURN_S, turnOf } from './wall-layout';
import { WallSide } from './wall-side';
import './wall.css';

type Message = Exclude<LiveMessage, { kind: 'ping' }>;

export function WallPage({ me, params }: PageProps) {
  const { t, lang } = useWords();
  const w = t.wall;
  const { rows, byId } = useFleet();
  const [picking, setPicking] = useState(false);
  const [chosen, setChosen] = useState(0);
  const [turn, setTurn] = useState(0);
  const [trouble, setTrouble] = useState<Failure | 'offline' | null>(null);
  const one = params.get('one');
  const asked = idsOf(params.get('cameras'));
  const size = sizeOf(params.get('n'), asked.length || 9);
  const isInTurn = params.get('turn') === '1';
  // Without a wall of one's own: the first ones there are, so that one sees what a wall is.
  const ids = asked.length > 0 ? asked : (rows ?? []).slice(0, size).map((row) => row.id);
  const shown = one ? [one] : turnOf(ids, size, turn);
  const known = shown.map((id) => byId.get(id)).filter((row): row is FleetRow => row !== undefined);
  const outages = useMemo(() => outagesOf(rows ?? []), [rows]);
  const turns = Math.ceil(ids.length / size);
  const [isNarrow, setNarrow] = useState(() => innerWidth <= 760);
  useEffect(() => {
    const update = (): void => setNarrow(innerWidth <= 760);
    addEventListener('resize', update);
    return () => removeEventListener('resize', update);
  }, []);
  useEffect(() => {
    if (!isInTurn || one || turns < 2) return;
    const timer = setInterval(() => document.hidden || setTurn((n) => n + 1), TURN_S * 1000);
    return () => clearInterval(timer);
  }, [isInTurn, one, turns]);

  // One answer brings all pictures; each tile hears its own.
  const listeners = useRef(new Map<string, Set<(message: Message) => void>>());
  const feeds = useRef(new Map<string, TileFeed>());
  const feedOf = useCallback((id: string): TileFeed => {
    let feed = feeds.current.get(id);
    if (!feed) {
      feed = (listener) => {
        const heard = listeners.current.get(id) ?? new Set();
        heard.add(listener);
        listeners.current.set(id, heard);
        return () => heard.delete(listener);
      };
      feeds.current.set(id, feed);
    }
    return feed;
  }, []);
  const key = known.map((row) => row.id).join(',');
  useEffect(() => {
    const cameras = key ? key.split(',') : [];
    const wall = new LiveWall(cameras, one ? cameras : [], {
      onMessage: (message) =>
        listeners.current.get(cameras[message.tile] ?? '')?.forEach((listener) => listener(message)),
      onTrouble: setTrouble,
    });
    wall.start();
    return () => wall.end();
  }, [key, one]);

  const keep = (cameras: readonly string[]): void => setQuery({ cameras: cameras.join(',') || null, wall: null });
  const enlarge = (id: string): void =>
    goTo(href('wall', { ...Object.fromEntries(params), cameras: ids.join(','), one: id }));
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLElement && event.target.closest('input, select, textarea, dialog')) return;
      const digit = Number(event.key);
      if (digit >= 1 && digit <= known.length) setChosen(digit - 1);
      else if (event.key === 'Enter' && !one && known[chosen] && event.target === document.body)
        enlarge(known[chosen]!.id);
      else if (event.key === 'Escape' && one) history.back();
      else if (event.key.toLowerCase() === 'f' && !event.ctrlKey && !event.metaKey)
        void document.querySelector('.wall-page')?.requestFullscreen?.();
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  });

  const columns = columnsOf(one ? 1 : size, isNarrow);
  const places = one ? 1 : Math.max(size, known.length);
  return (
    <div class="wall-page" data-testid="wall-page" data-size={one ? 1 : size}>
      <TopSlot>
        <SavedWalls me={me} wall={params.get('wall')} ids={ids} size={size} />
        {one ? (
          <button type="button" class="btn" data-testid="back-to-wall" onClick={() => history.back()}>
            <Sign name="left" /> {w.title}
          </button>
        ) : (
          <>
            <span class="seg no-phone" role="group" aria-label={w.places}>
              {SIZES.map((n) => (
                <button
                  key={n}
                  type="button"
                  data-testid={`size-${n}`}
                  aria-pressed={n === size}
                  onClick={() => setQuery({ n: String(n) })}
                >
                  {n}
                </button>
              ))}
            </span>
            <button
              type="button"
              class="btn quiet no-phone"
              data-testid="choose-cameras"
              onClick={() => setPicking(true)}
            >
              <Sign name="cameras" /> {t.cameras.title}
            </button>
            {turns > 1 ? (
              <span class="row no-phone">
                <button type="button" class="ib" aria-label={w.before} onClick={() => setTurn((n) => n - 1)}>
                  <Sign name="left" />
                </button>
                <span class="mut nowrap">
                  {(((turn % turns) + turns) % turns) + 1} / {turns}
                </span>
                <button type="button" class="ib" aria-label={w.next} onClick={() => setTurn((n) => n + 1)}>
                  <Sign name="right" />
                </button>
                <button
                  type="button"
                  class="btn quiet"
                  data-testid="in-turn"
                  aria-pressed={isInTurn}
                  title={fill(w.turnHint, { length: format.duration(TURN_S, lang) })}
                  onClick={() => setQuery({ turn: isInTurn ? null : '1' })}
                >
                  <Sign name="clock" /> {w.inTurn}
                </button>
              </span>
            ) : null}
          </>
        )}
      </TopSlot>
      <section class="wall-main" aria-label={w.pictures}>
        {trouble ? (
          <p class="note network" role="status" data-testid="wall-trouble">
            {trouble === 'offline' ? t.offline : problemWords(trouble, t, lang)}
          </p>
        ) : null}
        <div class="wall" style={{ '--columns': String(columns) }} data-columns={columns}>
          {known.map((row, n) => (
            <Tile
              key={row.id}
              row={row}
              zone={me.zone}
              outages={outages}
              feed={feedOf(row.id)}
              isChosen={n === chosen}
              isOne={one !== null}
              onChoose={() => setChosen(n)}
              onEnlarge={() => enlarge(row.id)}
              onRemove={one ? null : () => keep(ids.filter((id) => id !== row.id))}
            />
          ))}
          {rows && !one
            ? Array.from({ length: Math.max(0, places - known.length) }, (_, n) => (
                <button
                  key={`empty-${n}`}
                  type="button"
                  class="tile empty"
                  data-testid="empty-tile"
                  aria-label={w.choose}
                  onClick={() => setPicking(true)}
                >
                  <Sign name="plus" />
                </button>
              ))
            : null}
        </div>
        {isNarrow ? null : <LastHour rows={known} zone={me.zone} />}
      </section>
      <WallSide rows={rows ?? []} outages={outages} zone={me.zone} />
      {picking ? (
        <CameraPicker
          rows={rows ?? []}
          zone={me.zone}
          chosen={ids}
          most={MOST_CAMERAS}
          onToggle={(id) => keep(toggled(ids, id))}
          onClose={() => setPicking(false)}
        />
      ) : null}
    </div>
  );
}

/** A short outage is over before anybody looks: here it stays to be seen for an hour. */
function LastHour({ rows, zone }: { rows: readonly FleetRow[]; zone: string }) {
  const { t, lang } = useWords();
  const bars = useBars(
    rows.map((row) => row.id),
    1,
  );
  const now = Math.floor(serverNow() / MINUTE) * MINUTE;
  if (bars.size === 0) return null;
  return (
    <section class="hour" aria-label={t.wall.lastHour} data-testid="last-hour">
      <span class="cap">{t.wall.lastHour}</span>
      <div class="ticks" aria-hidden="true">
        {[0, 15, 30, 45, 60].map((minutes) => (
          <span key={minutes}>{format.clockMinutes(now - HOUR + minutes * MINUTE, lang, zone)}</span>
        ))}
      </div>
      {rows.map((row) => (
        <HourRow key={row.id} row={row} bar={bars.get(row.id)} />
      ))}
    </section>
  );
}

function HourRow({
  row,
  bar,
}: {
  row: FleetRow;
  bar: ReturnType<typeof useBars> extends ReadonlyMap<string, infer B> ? B | undefined : never;
}) {
  return (
    <>
      <span class="ell" translate={false}>
        {row.name}
      </span>
      <Spark bar={bar} />
    </>
  );
}
