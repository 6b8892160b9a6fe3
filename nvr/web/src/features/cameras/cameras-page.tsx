// All cameras and how they are, for one camera or ten thousand.

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { Labels } from '../camera/camera-facts';
import { StateChip } from '../camera/state-chip';
import { fill, useWords } from '../../shared/i18n';
import { cameraHref, href } from '../../router';
import { may, serverNow } from '../../session';
import * as format from '../../shared/time/format';
import { parseInstant } from '../../shared/time/instant';
import type { Camera, CameraList, Me } from '../../shared/api/schema';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { usePoll } from '../../shared/ui/poll';
import { visible, type Slice } from '../../shared/ui/virtual';
import { causeWords, errorWords } from '../../shared/i18n/words';
import { countStates, filterCameras, pauseFor, presentCauses, type StateFilter } from './camera-filter';
import { Thumbnail } from './thumbnail';
import { TextField } from '../../shared/ui/form';

export function CamerasPage({ me }: { me: Me }) {
  const { t, lang } = useWords();
  const [list, setList] = useState<CameraList | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [search, setSearch] = useState('');
  const [state, setState] = useState<StateFilter>('all');

  usePoll(
    async (signal) => {
      try {
        setList(await api.cameras(signal));
        setFailure(null);
      } catch (error) {
        if (!signal.aborted) setFailure(error);
      }
    },
    pauseFor(list?.cameras.length ?? 0),
  );

  const cameras = list?.cameras ?? [];
  const shown = useMemo(() => filterCameras(cameras, search, state), [list, search, state]);
  const counts = useMemo(() => countStates(cameras), [list]);
  const causes = useMemo(() => presentCauses(cameras), [list]);
  const c = t.cameras;

  return (
    <div class="cameras-page">
      <header class="page-head">
        <h1>{c.title}</h1>
        {list ? (
          <p
            class="counts"
            data-testid="counts"
            data-recording={counts.recording}
            data-not-recording={counts.waiting + counts.off}
          >
            {fill(c.counts, {
              recording: format.number(counts.recording, lang),
              not: format.number(counts.waiting + counts.off, lang),
            })}{' '}
            <span class="muted">{fill(c.asOf, { time: format.clock(parseInstant(list.as_of), lang, me.zone) })}</span>
          </p>
        ) : null}
      </header>
      <ErrorText text={failure ? errorWords(failure, t) : null} testid="list-error" />
      {list && cameras.length === 0 ? (
        <p class="panel" data-testid="no-cameras">
          {c.empty} {may(me, 'edit_cameras') ? <a href={href('admin-cameras')}>{c.emptyAdmin}</a> : null}
        </p>
      ) : null}
      {cameras.length > 0 ? (
        <>
          <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
            <TextField
              label={c.search}
              type="search"
              data-testid="search"
              placeholder={c.searchHint}
              value={search}
              onValue={setSearch}
            />
            <Field label={c.state}>
              {(a) => (
                <select
                  {...a}
                  data-testid="state-filter"
                  value={state}
                  onChange={(e) => setState(valueOf(e) as StateFilter)}
                >
                  <option value="all">{c.all}</option>
                  <option value="recording">{c.onlyRecording}</option>
                  <option value="not">{c.onlyNot}</option>
                  {causes.map((cause) => (
                    <option key={cause} value={cause}>
                      – {causeWords(cause, t)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <p class="muted" role="status" data-testid="shown">
              {fill(c.shown, { shown: format.number(shown.length, lang), all: format.number(cameras.length, lang) })}
            </p>
          </form>
          {shown.length === 0 ? <p class="panel">{c.noMatch}</p> : <CameraRows cameras={shown} zone={me.zone} />}
        </>
      ) : null}
      {!list && !failure ? <p class="muted">{t.loading}</p> : null}
    </div>
  );
}

function CameraRows({ cameras, zone }: { cameras: Camera[]; zone: string }) {
  const ref = useRef<HTMLUListElement>(null);
  const [{ first, last }, setSlice] = useState<Slice>({ first: 0, last: 20 });
  const [rowHeight, setRowHeight] = useState(92);
  useLayoutEffect(() => {
    const update = (): void => {
      const list = ref.current;
      if (!list) return;
      // The stylesheet decides how high a row is on this screen; a row's height never depends on its content.
      const height = parseFloat(getComputedStyle(list).getPropertyValue('--row-px')) || 92;
      setRowHeight(height);
      const next = visible(-list.getBoundingClientRect().top, innerHeight, height, cameras.length);
      setSlice((now) => (now.first === next.first && now.last === next.last ? now : next));
    };
    update();
    addEventListener('scroll', update, { passive: true });
    addEventListener('resize', update);
    return () => {
      removeEventListener('scroll', update);
      removeEventListener('resize', update);
    };
  }, [cameras.length]);
  return (
    <ul ref={ref} class="camera-rows" data-testid="camera-list" style={{ height: `${cameras.length * rowHeight}px` }}>
      {cameras.slice(first, last).map((camera, i) => (
        <CameraRow
          key={camera.id}
          camera={camera}
          zone={zone}
          top={(first + i) * rowHeight}
          position={first + i + 1}
          of={cameras.length}
        />
      ))}
    </ul>
  );
}

function CameraRow({
  camera,
  zone,
  top,
  position,
  of,
}: {
  camera: Camera;
  zone: string;
  top: number;
  position: number;
  of: number;
}) {
  const { t, lang } = useWords();
  const until = camera.status.recorded_until ?? camera.last_footage;
  return (
    <li
      class="camera-row"
      data-testid="camera-row"
      data-camera={camera.id}
      data-state={camera.status.state}
      aria-setsize={of}
      aria-posinset={position}
      style={{ transform: `translateY(${top}px)` }}
    >
      <a class="camera-link" href={cameraHref(camera.id)}>
        <Thumbnail camera={camera} />
        <span class="camera-name">
          <strong>{camera.name}</strong>
          <span class="muted mono">{camera.id}</span>
        </span>
      </a>
      <Labels labels={camera.labels} />
      <span class="camera-status">
        <StateChip camera={camera} zone={zone} />
        <span class="muted">
          {until ? (
            <span title={format.utc(parseInstant(until))}>
              {fill(t.cameras.recordedUntil, {
                time: format.shortDateTime(parseInstant(until), serverNow(), lang, zone),
              })}
            </span>
          ) : (
            t.cameras.neverRecorded
          )}
        </span>
      </span>
    </li>
  );
}
