// One camera: its picture, its day, its gaps, a clip. This module only arranges; what happens is in player/ and
// timeline/.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import { Controls } from '../../player/controls';
import { actionOf, focusKind } from '../../player/keys';
import { canDecode } from '../../player/codec';
import { Overlay } from '../../player/overlay';
import { SPEEDS } from '../../player/playback';
import { WhoWatches } from '../../player/who-watches';
import { cameraHref, href, replaceAddress } from '../../router';
import { may, serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { formatInstant, MINUTE, parseInstant, SECOND, type Instant } from '../../shared/time/instant';
import { dateOf, dayBounds, parseDate, type CivilDate } from '../../shared/time/zone';
import { follow, LEVELS, pan, viewAround, type Bounds, type Level } from '../../timeline/geometry';
import { Timeline, zoomStep } from '../../timeline/timeline';
import type { Camera, Me } from '../../shared/api/schema';
import { usePoll } from '../../shared/ui/poll';
import { causeWords, errorWords } from '../../shared/i18n/words';
import { PtzPanel } from '../ptz/ptz-panel';
import { CameraFacts, Labels, Shortcuts } from './camera-facts';
import { CitizenReportList } from './citizen-reports';
import { ClipPanel } from './clip-panel';
import type { GapAt } from '../../timeline/day-coverage';
import { DayBar, ZoomBar } from './day-bar';
import { GapList } from './gap-list';
import { PlayerAddressPanel } from './player-address';
import { PublicCut } from './public-cut';
import { StateChip } from './state-chip';
import { useDay } from './use-day';
import { usePlayback } from './use-playback';

interface CameraPageProps {
  id: string;
  params: URLSearchParams;
  me: Me;
}

export function CameraPage({ id, params, me }: CameraPageProps) {
  const { t, lang } = useWords();
  const zone = me.zone;
  const mayClip = may(me, 'clip');
  const asked = useRef(momentOf(params));
  const [date, setDate] = useState<CivilDate>(() => startDate(params, asked.current, zone));
  const [camera, setCamera] = useState<Camera | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const { day, coverage, failed } = useDay(id, date, zone);
  const [view, setView] = useState<Bounds>(() => dayBounds(date, zone));
  const [clip, setClip] = useState<Bounds | null>(null);
  const [highlight, setHighlight] = useState<GapAt | null>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = useRef<HTMLElement>(null);
  const { playback, state } = usePlayback(id, video, canvas, coverage, zone);

  // A live picture that is refused because the camera is away: what it is doing is asked at once, not at the next turn.
  const refused =
    state?.stop?.kind === 'trouble' &&
    state.stop.trouble.kind === 'server' &&
    state.stop.trouble.problem.code === 'not_live';
  usePoll(
    async (signal) => {
      try {
        setCamera(await api.cameraById(id, signal));
        setFailure(null);
      } catch (error) {
        if (!signal.aborted) setFailure(error);
      }
    },
    3000,
    `${id} ${refused}`,
  );

  const showDay = useCallback(
    (next: CivilDate) => {
      setDate(next);
      setView(dayBounds(next, zone));
      setHighlight(null);
    },
    [zone],
  );

  const seek = useCallback(
    (at: Instant, play?: boolean) => {
      const next = dateOf(at, zone);
      if (next !== date) showDay(next);
      void playback?.seek(at, play);
      replaceAddress(cameraHref(id, { at: formatInstant(Math.round(at)) }));
    },
    [playback, date, zone, id, showDay],
  );

  // The first thing shown: the moment in the address, or live. A codec known to be hopeless is not even tried.
  useEffect(() => {
    if (!playback) return;
    if (asked.current !== null) void playback.seek(asked.current);
    else playback.goLive();
  }, [playback]);

  const status = camera?.status.state;
  const wasRecording = useRef(true); // the first attempt is made before anything is known
  useEffect(() => {
    if (!status || !playback) return;
    const records = status === 'recording';
    if (wasRecording.current !== records) playback.cameraRecords(records);
    wasRecording.current = records;
  }, [status, playback]);

  const codec = camera?.status.codec ?? null;
  useEffect(() => {
    if (codec && !canDecode(codec)) playback?.refuse(codec);
  }, [codec, playback]);

  // The timeline follows the picture: over midnight into the next day, and out of a zoomed view. A day that was chosen
  // while the picture is elsewhere stays.
  const at = state?.at ?? null;
  const before = useRef<Instant | null>(null);
  useEffect(() => {
    const wasHere = before.current !== null && before.current >= day.start && before.current < day.end;
    before.current = at;
    if (at === null) return;
    if (at >= day.start && at < day.end) {
      if (state?.playing) setView((now) => follow(now, at, day));
    } else if (wasHere) showDay(dateOf(at, zone));
  }, [at]);

  const zoom = (inwards: boolean): void => setView((now) => zoomStep(now, at ?? serverNow(), day, inwards));
  const level = (name: Level): void => {
    // Without a picture it is now that matters, if it can be seen.
    const now = serverNow();
    const middle = now >= view.start && now < view.end ? now : (view.start + view.end) / 2;
    const anchor = at !== null && at >= day.start && at < day.end ? at : middle;
    setView(viewAround(anchor, LEVELS[name], 0.5, day));
  };

  const choose = useCallback(
    (around: Instant): void => {
      const newest = coverage ? Math.max(coverage.start + MINUTE, coverage.known) : serverNow();
      const end = Math.min(Math.max(around + 30 * SECOND, day.start + MINUTE), Math.floor(newest / SECOND) * SECOND);
      const range = { start: Math.floor((end - MINUTE) / SECOND) * SECOND, end: Math.floor(end / SECOND) * SECOND };
      setClip(range);
      setView(viewAround((range.start + range.end) / 2, LEVELS.m10, 0.5, day));
    },
    [coverage, day.start, day.end],
  );

  /** A range that was typed is seen, wherever it is. */
  const showClip = (range: Bounds | null): void => {
    setClip(range);
    if (!range || range.end <= range.start) return;
    const there = dateOf(range.start, zone);
    if (there !== date) setDate(there);
    const bounds = dayBounds(there, zone);
    setView((now) =>
      range.start >= now.start && range.end <= now.end
        ? now
        : viewAround((range.start + range.end) / 2, Math.max((range.end - range.start) * 1.5, LEVELS.m10), 0.5, bounds),
    );
  };

  const setEnd = (end: 'start' | 'end'): void => {
    if (!mayClip || at === null) return;
    const whole = Math.round(at / SECOND) * SECOND;
    setClip((now) =>
      end === 'start'
        ? { start: whole, end: Math.max(now?.end ?? 0, whole + SECOND) }
        : { start: Math.min(now?.start ?? Infinity, whole - SECOND), end: whole },
    );
  };

  const keys = useRef<(event: KeyboardEvent) => void>(() => undefined);
  keys.current = (event) => {
    const { typing, pressing } = focusKind(event.target);
    const action = event.defaultPrevented ? null : actionOf(event, typing, pressing);
    if (!action || !playback || !state) return;
    event.preventDefault();
    if (action.do === 'toggle') playback.toggle();
    else if (action.do === 'skip') playback.skip(action.seconds);
    else if (action.do === 'step') void playback.step(action.frames);
    else if (action.do === 'zoom') zoom(action.inwards);
    else if (action.do === 'clip') setEnd(action.end);
    else if (state.mode === 'recording') {
      const index = SPEEDS.findIndex((s) => s === state.speed) + action.by;
      playback.setSpeed(SPEEDS[Math.min(Math.max(index, 0), SPEEDS.length - 1)]!);
    }
  };
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => keys.current(event);
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);

  useEffect(() => {
    document.title = `${camera?.name ?? id} – nvr`;
  }, [camera?.name, id]);

  const gone = failure instanceof api.ApiError && failure.status === 404;
  useEffect(() => {
    if (gone) playback?.cameraRecords(false);
  }, [gone, playback]);

  if (gone && failed && !coverage) {
    return (
      <div class="panel" data-testid="camera-not-found">
        <p>{t.camera.notFound}</p>
        <a href={href('cameras')}>{t.camera.back}</a>
      </div>
    );
  }

  return (
    <div class="camera-page" data-testid="camera-page">
      <header class="camera-head">
        <a href={href('cameras')} class="back">
          ← {t.camera.back}
        </a>
        <h1>{camera?.name ?? id}</h1>
        {camera ? <StateChip camera={camera} zone={zone} /> : null}
        {camera ? <Labels labels={camera.labels} /> : null}
      </header>
      {gone ? (
        <p class="notice" role="status" data-testid="camera-removed">
          {t.camera.removed}
        </p>
      ) : null}
      {failure && !gone ? (
        <p class="notice" role="status" data-testid="status-failed">
          {errorWords(failure, t)}
        </p>
      ) : null}

      <section ref={viewer} class="viewer" data-testid="viewer" aria-label={t.camera.player}>
        <div class="stage" data-testid="stage" data-mode={state?.mode} data-playing={state?.playing}>
          <video ref={video} data-testid="video" playsInline disableRemotePlayback onClick={() => playback?.toggle()} />
          <canvas ref={canvas} class="hold" hidden aria-hidden="true" />
          <WhoWatches camera={id} zone={zone} />
          {state?.mode === 'live' && state.livePicture && status === 'recording' ? (
            <span class="live-badge" data-testid="live-badge">
              {t.camera.live}
            </span>
          ) : null}
          {playback && state ? (
            <Overlay
              state={state}
              camera={camera}
              removed={gone}
              playback={playback}
              zone={zone}
              mayClip={mayClip}
              onSaveClip={(moment) => choose(moment)}
            />
          ) : null}
          {state?.skipped ? (
            <p class="toast" role="status" data-testid="skipped">
              {fill(t.camera.skipped, {
                length: format.durationBetween(state.skipped[0]!.start, state.skipped.at(-1)!.end, lang),
                cause: [...new Set(state.skipped.map((g) => causeWords(g.gap.cause, t)))].join(', '),
              })}
            </p>
          ) : null}
        </div>
        {playback && state ? (
          <Controls
            playback={playback}
            state={state}
            camera={camera}
            zone={zone}
            onFullscreen={() => void toggleFullscreen(viewer.current)}
          />
        ) : null}
      </section>

      <section class="panel day-panel">
        <DayBar
          date={date}
          today={dateOf(serverNow(), zone)}
          zone={zone}
          coverage={coverage}
          failed={failed && !coverage}
          onDate={showDay}
        />
        <Timeline
          day={day}
          view={inDay(view, day)}
          coverage={coverage}
          zone={zone}
          playhead={at}
          clip={clip}
          highlight={highlight}
          onView={setView}
          onSeek={(to) => seek(to)}
          onClip={setClip}
        />
        <ZoomBar
          day={day}
          view={inDay(view, day)}
          coverage={coverage}
          onLevel={level}
          onZoom={zoom}
          onPan={(direction) => setView((now) => pan(now, (direction * (now.end - now.start)) / 2, day))}
        />
      </section>

      <div class="columns">
        <GapList
          coverage={coverage}
          zone={zone}
          onHighlight={setHighlight}
          onShow={(gap) =>
            setView(viewAround((gap.start + gap.end) / 2, Math.max((gap.end - gap.start) * 3, LEVELS.m10), 0.5, day))
          }
        />
        <div class="column">
          <PtzPanel camera={id} />
          {camera ? <CitizenReportList camera={camera} day={day} coverage={coverage} zone={zone} /> : null}
          {mayClip ? (
            <ClipPanel
              camera={id}
              zone={zone}
              clip={clip}
              playhead={at}
              onClip={showClip}
              onChoose={() => choose(at ?? coverage?.known ?? serverNow())}
            />
          ) : null}
          <PlayerAddressPanel camera={id} name={camera?.name ?? id} clip={clip} zone={zone} />
          {camera ? (
            <section class="panel">
              <CameraFacts camera={camera} zone={zone} />
              <PublicCut camera={camera} me={me} />
              <Shortcuts />
            </section>
          ) : null}
        </div>
      </div>
    </div>
  );
}

function momentOf(params: URLSearchParams): Instant | null {
  try {
    return parseInstant(params.get('at') ?? '');
  } catch {
    return null; // no moment, or one typed wrongly: live is shown instead
  }
}

function startDate(params: URLSearchParams, at: Instant | null, zone: string): CivilDate {
  const day = params.get('day');
  if (day && parseDate(day)) return day;
  return dateOf(at ?? serverNow(), zone);
}

/** For the one render between a new day and its view. */
function inDay(view: Bounds, day: Bounds): Bounds {
  return view.start >= day.start && view.end <= day.end ? view : day;
}

async function toggleFullscreen(element: HTMLElement | null): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await element?.requestFullscreen?.();
}
