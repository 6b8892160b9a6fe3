// Up to sixteen cameras on one clock: pictures, what is beside them, and one timeline below. This module arranges; what
// happens is in player/together and timeline/.

import '../../styles/playback.css';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { clockText } from '../../player/together/clock';
import { PLAY_SPEEDS } from '../../player/together/decide';
import type { PageProps } from '../../page-def';
import { cameraHref, setQuery } from '../../router';
import { serverNow } from '../../session';
import type { Me } from '../../shared/api/schema';
import { placeOf, useFleet } from '../../shared/fleet';
import { fill, useWords } from '../../shared/i18n';
import { errorWords } from '../../shared/i18n/words';
import { useStore } from '../../shared/store';
import { theme } from '../../shared/theme';
import * as format from '../../shared/time/format';
import { formatInstant, MINUTE, parseInstant, SECOND, type Instant } from '../../shared/time/instant';
import { dateOf, dayBounds } from '../../shared/time/zone';
import { toast } from '../../shared/ui/toast';
import { TopSlot } from '../../frame/top-bar';
import { worstOf } from '../../timeline/columns';
import { follow, viewAround, type Bounds } from '../../timeline/geometry';
import { MonthStrip } from '../../timeline/month-strip';
import { TrackTimeline, type Lane } from '../../timeline/tracks';
import { zoomStep } from '../../timeline/timeline';
import { onTracks, useMarks } from '../marks/use-marks';
import type { PictureRegion } from './activity';
import { findGap } from './find-gap';
import { Inspector, type Tab } from './inspector';
import { speedBeside } from './keys';
import { mayHaveFootage, momentWords } from './moment-words';
import { camerasOf, columnsFor } from './layout';
import { PickCameras } from './pick-cameras';
import { PicturePreview } from './preview';
import { TileView } from './tile-view';
import { LENGTHS, Transport } from './transport';
import { gapAt, monthOf, runsOfCamera, useCoverageOf, useNearGaps } from './use-coverage';
import { useActivity, type ActivityAsked } from './use-activity';
import { useBookmarks } from './use-bookmarks';
import { usePlaybackKeys } from './use-keys';
import { useTogether, type TileElements } from './use-together';

const COLUMNS = 1280;
const DAY_COLUMNS = 960;
const COLUMNS_A_DAY = 24;
const JUST_NOW_MS = 15 * SECOND;

export function PlaybackPage({ me, params }: PageProps) {
  const cameras = camerasOf(params);
  return (
    <div class="playback" data-testid="playback-page">
      {cameras.length === 0 ? (
        <PickCameras chosen={[]} onChosen={(ids) => setQuery({ cameras: ids.join(',') })} />
      ) : (
        <Playing key={cameras.join(',')} me={me} cameras={cameras} params={params} />
      )}
    </div>
  );
}

function momentOf(params: URLSearchParams): Instant {
  try {
    return Math.min(parseInstant(params.get('at') ?? ''), serverNow() - SECOND);
  } catch {
    return serverNow() - JUST_NOW_MS; // no moment, or one typed wrongly: what was just now
  }
}

function Playing({ me, cameras, params }: { me: Me; cameras: string[]; params: URLSearchParams }) {
  const { t, lang } = useWords();
  const zone = me.zone;
  const fleet = useFleet();
  const shade = useStore(theme);
  const [start] = useState(() => momentOf(params));
  const [selected, setSelected] = useState(0);
  const [alone, setAlone] = useState(params.get('view') === 'one');
  const [tab, setTab] = useState<Tab>('gaps');
  const [range, setRange] = useState<Bounds | null>(null);
  const [picking, setPicking] = useState(false);
  const [marking, setMarking] = useState<{ camera: string; at: Instant } | null>(null);
  const [date, setDate] = useState(() => dateOf(start, zone));
  const day = useMemo(() => dayBounds(date, zone), [date, zone]);
  const [view, setView] = useState<Bounds>(() => viewAround(start, LENGTHS.hour, 0.5, dayBounds(date, zone)));
  const page = useRef<HTMLDivElement>(null);
  const time = useRef<HTMLDivElement>(null);
  const photo = useRef<HTMLAnchorElement>(null);
  const elements = useRef<TileElements[]>([]);

  const [atNow, setAtNow] = useState(start);
  const near = useNearGaps(cameras, atNow);
  const { together, state } = useTogether(cameras, elements, start, (camera, at) => gapAt(near, camera, at) !== null);
  const at = state?.at ?? start;
  useEffect(() => setAtNow(Math.floor(at / MINUTE) * MINUTE), [Math.floor(at / MINUTE)]);

  const shown = inDay(view, day);
  const month = useMemo(() => monthOf(date, zone), [date.slice(0, 7), zone]);
  const tracks = useCoverageOf(cameras, shown, COLUMNS);
  const ofDay = useCoverageOf(cameras, day, DAY_COLUMNS);
  const ofMonth = useCoverageOf(cameras, month.bounds, month.days * COLUMNS_A_DAY);
  const dayRuns = useMemo(() => worstOf(ofDay?.answer.tracks ?? []), [ofDay]);
  const monthRuns = useMemo(() => worstOf(ofMonth?.answer.tracks ?? []), [ofMonth]);
  const [marks, reloadMarks] = useBookmarks(cameras, day);
  const events = useMarks(cameras, day);
  const [asked, setAsked] = useState<ActivityAsked | null>(null);
  const [region, setRegion] = useState<PictureRegion | null>(null);
  const [isDrawing, setDrawing] = useState(false);
  const { found: activity, failure: activityFailure } = useActivity(asked);

  const names = useCallback(
    (camera: string): string =>
      fleet.byId.get(camera)?.name ?? tracks?.answer.tracks.find((one) => one.camera === camera)?.name ?? camera,
    [fleet.byId, tracks],
  );
  const lanes = useMemo(
    (): Lane[] => cameras.map((camera) => ({ camera, name: names(camera), runs: runsOfCamera(tracks, camera) })),
    [tracks, names],
  );

  // The timeline follows the picture while it plays, until a hand has turned it to somewhere else.
  const follows = useRef(true);
  const goToDay = useCallback(
    (next: string, around?: Instant): void => {
      const bounds = dayBounds(next, zone);
      setDate(next);
      setView((now) => viewAround(around ?? bounds.start + (now.start - day.start), now.end - now.start, 0, bounds));
    },
    [zone, day],
  );
  const seek = useCallback(
    (to: Instant): void => {
      const moment = Math.min(to, serverNow() - SECOND);
      const next = dateOf(moment, zone);
      follows.current = true;
      if (next !== date) {
        setDate(next);
        setView((now) => viewAround(moment, now.end - now.start, 0.5, dayBounds(next, zone)));
      } else
        setView((now) =>
          moment < now.start || moment > now.end ? viewAround(moment, now.end - now.start, 0.5, day) : now,
        );
      together?.seek(moment);
      setQuery({ at: formatInstant(Math.round(moment)) });
    },
    [together, date, zone, day],
  );
  useEffect(() => {
    if (state?.playing) follows.current = true;
  }, [state?.playing]);
  useEffect(() => {
    if (!state?.playing) return;
    if (isWithin(view, at)) follows.current = true;
    else if (!follows.current) return;
    else if (isWithin(day, at)) setView((now) => follow(now, at, day));
    else goToDay(dateOf(at, zone), at); // over midnight too
  }, [Math.floor(at / SECOND), state?.playing]);
  const turnTo = (next: Bounds): void => {
    follows.current = isWithin(next, at);
    setView(next);
  };

  const camera = cameras[selected] ?? cameras[0]!;
  const mark = (): void => {
    together?.pause();
    setMarking({ camera, at: Math.round(at * 1000) / 1000 });
    setTab('bookmarks');
  };
  const jump = async (by: 1 | -1): Promise<void> => {
    try {
      const found = await findGap(cameras, near, at, by, serverNow());
      if (found === null) toast({ text: by > 0 ? t.playback.noGapAfter : t.playback.noGapBefore });
      else seek(found);
    } catch {
      toast({ text: t.offline });
    }
  };
  const step = (by: 1 | -1): void =>
    void together?.step(selected, by).catch((error: unknown) => toast({ text: errorWords(error, t, lang) }));
  const setEnd = (end: 'start' | 'end'): void => {
    const whole = Math.round(at / SECOND) * SECOND;
    setRange((now) =>
      end === 'start'
        ? { start: whole, end: Math.max(now?.end ?? 0, whole + SECOND) }
        : { start: Math.min(now?.start ?? Infinity, whole - SECOND), end: whole },
    );
    setTab('save');
  };
  const takeRange = (next: Bounds | null, typed = false): void => {
    const whole = next && {
      start: Math.round(next.start / SECOND) * SECOND,
      end: Math.max(Math.round(next.end / SECOND) * SECOND, Math.round(next.start / SECOND) * SECOND + SECOND),
    };
    setRange(typed ? next : whole);
    if (next) setTab('save');
    if (!typed || !next || next.end <= next.start) return;
    // What was typed is seen, wherever it is.
    const there = dateOf(next.start, zone);
    setDate(there);
    setView((now) =>
      next.start >= now.start && next.end <= now.end
        ? now
        : viewAround(
            (next.start + next.end) / 2,
            Math.max((next.end - next.start) * 1.5, now.end - now.start),
            0.5,
            dayBounds(there, zone),
          ),
    );
  };
  const takeRegion = (next: PictureRegion | null): void => {
    setDrawing(false);
    setRegion(next);
    // What was found already is looked at anew: it is kept by the server for any region.
    setAsked((now) => now && { ...now, region: next });
  };
  const fullScreen = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void page.current?.requestFullscreen?.();
  };

  usePlaybackKeys((key) => {
    if (!together || !state) return;
    if (key.do === 'toggle') together.toggle();
    else if (key.do === 'skip') seek(at + key.seconds * SECOND);
    else if (key.do === 'step') step(key.by);
    else if (key.do === 'gap') void jump(key.by);
    else if (key.do === 'speed') together.setSpeed(speedBeside(PLAY_SPEEDS, state.speed, key.by));
    else if (key.do === 'range') setEnd(key.end);
    else if (key.do === 'zoom') setView((now) => zoomStep(now, at, day, key.inwards));
    else if (key.do === 'day') seek(key.end === 'start' ? day.start : Math.min(day.end, serverNow()) - 5 * SECOND);
    else if (key.do === 'tile') setSelected(Math.min(key.number, cameras.length) - 1);
    else if (key.do === 'bookmark') mark();
    else if (key.do === 'full') fullScreen();
    else if (key.do === 'picture') photo.current?.click();
    else if (key.do === 'sound') together.hear(selected, !state.tiles[selected]?.isHeard);
    else time.current?.querySelector('input')?.select();
  });

  const whatIsAt = (moment: Instant, track: number): string =>
    momentWords(cameras[track] ?? camera, moment, near, tracks, t, lang);
  const columns = alone ? 1 : columnsFor(cameras.length);

  return (
    <div ref={page} class={`pb ${alone ? 'is-alone' : ''}`}>
      <TopSlot>
        {cameras.length > 1 ? (
          <span class="seg" role="group" aria-label={t.playback.tiles}>
            {([true, false] as const).map((one) => (
              <button
                key={String(one)}
                type="button"
                aria-pressed={alone === one}
                data-testid={one ? 'show-one' : 'show-all'}
                onClick={() => {
                  setAlone(one);
                  setQuery({ view: one ? 'one' : null });
                }}
              >
                {one ? t.playback.one : t.playback.all}
              </button>
            ))}
          </span>
        ) : null}
        <button type="button" class="btn quiet" data-testid="add-cameras" onClick={() => setPicking(!picking)}>
          {t.playback.add}
        </button>
      </TopSlot>
      <section
        class="stage-all"
        aria-label={t.camera.player}
        data-testid="stage"
        data-playing={state?.playing}
        data-way={state?.way}
        data-clock={state ? clockText(state.clock) : ''}
        style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
      >
        {cameras.map((id, i) => {
          const row = fleet.byId.get(id);
          return (
            <TileView
              key={id}
              camera={id}
              number={i + 1}
              name={names(id)}
              place={row ? placeOf(row) : ''}
              state={state?.tiles[i] ?? null}
              gap={gapAt(near, id, at)}
              waits={state?.waits ?? true}
              zone={zone}
              selected={i === selected && cameras.length > 1}
              alone={alone && i !== selected}
              register={(found) => (elements.current[i] = found)}
              onSelect={() => setSelected(i)}
              onHear={(is) => together?.hear(i, is)}
              region={id === camera && tab === 'activity' ? region : null}
              isDrawing={isDrawing && id === camera && tab === 'activity'}
              onRegion={takeRegion}
            />
          );
        })}
      </section>
      <aside class="insp" aria-label={t.playback.inspector}>
        {picking ? (
          <PickCameras
            chosen={cameras}
            onChosen={(ids) => {
              setPicking(false);
              setQuery({ cameras: ids.join(','), at: formatInstant(Math.round(at)) });
            }}
          />
        ) : (
          <Inspector
            me={me}
            tab={tab}
            onTab={setTab}
            cameras={cameras}
            selected={camera}
            names={names}
            day={day}
            at={at}
            zone={zone}
            range={range}
            state={state?.tiles[selected] ?? null}
            tracks={tracks}
            bookmarks={marks}
            marking={marking}
            onMarked={() => setMarking(null)}
            onBookmarks={reloadMarks}
            onSeek={seek}
            onRange={(next) => takeRange(next, true)}
            activity={{
              view: shown,
              asked,
              found: activity,
              failure: activityFailure,
              region,
              isDrawing,
              onAsk: setAsked,
              onDraw: setDrawing,
              onRegion: takeRegion,
            }}
          />
        )}
      </aside>
      <section class="dock" aria-label={fill(t.timeline.label, { day: format.longDate(day.start + 1, lang, zone) })}>
        {together && state ? (
          <Transport
            together={together}
            state={state}
            selected={camera}
            zone={zone}
            view={shown}
            day={day}
            time={time}
            photo={photo}
            onSeek={seek}
            onStep={step}
            onGap={(by) => void jump(by)}
            onLength={(length) =>
              setView(
                viewAround(at >= day.start && at < day.end ? at : (shown.start + shown.end) / 2, length, 0.5, day),
              )
            }
            onBookmark={mark}
            onFull={fullScreen}
            liveHref={cameraHref(camera)}
          />
        ) : null}
        <TrackTimeline
          tracks={lanes}
          of={tracks?.of ?? shown}
          columns={COLUMNS}
          dayRuns={dayRuns}
          dayColumns={DAY_COLUMNS}
          day={day}
          view={shown}
          zone={zone}
          playhead={at}
          range={range}
          activity={activity && { track: cameras.indexOf(activity.camera), points: activity.points }}
          marks={[
            ...marks.map((one) => ({
              id: one.id,
              at: parseInstant(one.at),
              track: Math.max(cameras.indexOf(one.camera), 0),
            })),
            ...onTracks(events, cameras),
          ]}
          selected={selected}
          theme={shade}
          onView={turnTo}
          onSeek={seek}
          onScrub={(moment) => together?.scrub(moment)}
          onRange={(next) => takeRange(next)}
          onSelect={setSelected}
          whatIsAt={whatIsAt}
          preview={(moment, track) => (
            <PicturePreview
              camera={cameras[track] ?? camera}
              name={names(cameras[track] ?? camera)}
              at={moment}
              zone={zone}
              words={whatIsAt(moment, track)}
              hasFootage={mayHaveFootage(cameras[track] ?? camera, moment, near, serverNow())}
            />
          )}
        >
          <MonthStrip
            first={month.first}
            days={month.days}
            runs={monthRuns}
            perDay={COLUMNS_A_DAY}
            date={date}
            today={dateOf(serverNow(), zone)}
            onDate={(next) => {
              follows.current = next === dateOf(at, zone);
              goToDay(next);
            }}
          />
        </TrackTimeline>
      </section>
    </div>
  );
}

function isWithin(bounds: Bounds, at: Instant): boolean {
  return at >= bounds.start && at < bounds.end;
}

/** For the one render between a new day and its view. */
function inDay(view: Bounds, day: Bounds): Bounds {
  return view.start >= day.start && view.end <= day.end ? view : day;
}
