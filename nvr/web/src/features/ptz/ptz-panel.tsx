// Moving a camera: a pad for mouse, finger and keys, zoom, places; and who has it. Nothing is shown of a camera that
// can't be moved, or to who may not.

import './ptz.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { session } from '../../session';
import type { Preset, Ptz } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { TextField } from '../../shared/ui/form';
import { usePoll } from '../../shared/ui/poll';
import { Sign } from '../../shared/ui/signs';
import { MoveHold, isMoveKey, isStill, STILL, velocityAt, velocityOf, type Velocity } from './hold';

const LOOK_MS = 2000;
const OFF_MS = 60_000;

export function PtzPanel({ camera }: { camera: string }) {
  const now = useStore(session);
  if (now.state !== 'in' || !now.me.actions.includes('ptz')) return null;
  return <Movable key={camera} camera={camera} />;
}

function Movable({ camera }: { camera: string }) {
  const { t, lang } = useWords();
  const p = t.ptz;
  const [state, setState] = useState<Ptz | null>(null);
  const action = useAction();
  const movable = state?.movable ?? false;
  usePoll(async (signal) => setState(await api.ptz(camera, signal)), movable ? LOOK_MS : OFF_MS, camera);
  if (!state || !movable) return null;
  const take = (): void => void action.run(async () => setState(await api.takePtz(camera)));
  return (
    <section class="panel ptz" aria-label={p.title} data-testid="ptz">
      <h2>{p.title}</h2>
      <p role="status" data-testid="ptz-holder" data-mine={state.mine} data-moving={state.moving}>
        {state.mine ? p.mine : state.held_by ? fill(p.heldBy, { name: state.held_by }) : p.free}
      </p>
      {state.mine && state.wishes.length > 0 ? (
        <p class="row-actions" data-testid="ptz-wishes">
          <span>{fill(p.wished, { names: new Intl.ListFormat(lang).format(state.wishes) })}</span>
          <button
            type="button"
            class="small"
            data-testid="ptz-hand-over"
            onClick={() => void action.run(async () => setState(await api.handOverPtz(camera)))}
          >
            {p.handOver}
          </button>
        </p>
      ) : null}
      {!state.mine && state.held_by ? (
        <button type="button" data-testid="ptz-take" disabled={action.busy} onClick={take}>
          {state.priority > (state.held_priority ?? 0) ? p.take : p.ask}
        </button>
      ) : null}
      <ErrorText text={action.error ?? state.trouble} testid="ptz-error" />
      <Pad
        locked={!state.mine && state.held_by !== null}
        onBegin={() => state.mine || take()}
        send={async (velocity) => {
          const done = await action.run(async () => setState(await api.movePtz(camera, velocity)));
          if (!done) throw new Error('not moved');
        }}
      />
      <Places camera={camera} onState={setState} />
      {state.mine ? (
        <button
          type="button"
          data-testid="ptz-release"
          onClick={() =>
            void action.run(async () => {
              await api.releasePtz(camera);
              setState(await api.ptz(camera));
            })
          }
        >
          {p.release}
        </button>
      ) : null}
    </section>
  );
}

interface PadProps {
  locked: boolean;
  onBegin: () => void;
  send: (velocity: Velocity) => Promise<void>;
}

function Pad({ locked, onBegin, send }: PadProps) {
  const { t } = useWords();
  const p = t.ptz;
  const sending = useRef(send);
  sending.current = send;
  const hold = useRef<MoveHold | null>(null);
  hold.current ??= new MoveHold((velocity) => sending.current(velocity));
  const keys = useRef(new Set<string>());
  const [shown, setShown] = useState<Velocity>(STILL);
  const want = (velocity: Velocity): void => {
    setShown(velocity);
    hold.current!.want(velocity);
  };
  const letGo = (): void => {
    keys.current.clear();
    want(STILL);
  };
  // What takes the hand from the pad, whatever it is, stops the camera.
  useEffect(() => {
    const hidden = (): void => {
      if (document.hidden) letGo();
    };
    addEventListener('blur', letGo);
    document.addEventListener('visibilitychange', hidden);
    return () => {
      removeEventListener('blur', letGo);
      document.removeEventListener('visibilitychange', hidden);
      hold.current!.stop();
    };
  }, []);
  const point = (event: PointerEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 - 1;
    const y = ((event.clientY - box.top) / box.height) * 2 - 1;
    want(velocityAt(x, y));
  };
  const zoom = (by: number) => ({
    onPointerDown: (event: PointerEvent): void => {
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      want({ ...STILL, zoom: by });
    },
    onPointerUp: letGo,
    onPointerCancel: letGo,
    onLostPointerCapture: letGo,
    disabled: locked,
  });
  return (
    <div class="ptz-pad">
      <div
        class={`ptz-round${isStill(shown) ? '' : ' is-held'}`}
        role="application"
        tabIndex={locked ? -1 : 0}
        aria-label={p.pad}
        aria-disabled={locked}
        data-testid="ptz-pad"
        onFocus={() => locked || onBegin()}
        onPointerDown={(event) => {
          if (locked) return;
          const pad = event.currentTarget as HTMLElement;
          pad.setPointerCapture(event.pointerId);
          pad.focus();
          point(event);
        }}
        onPointerMove={(event) => {
          if ((event.currentTarget as HTMLElement).hasPointerCapture(event.pointerId)) point(event);
        }}
        onPointerUp={letGo}
        onPointerCancel={letGo}
        onLostPointerCapture={letGo}
        onBlur={letGo}
        onKeyDown={(event) => {
          if (locked || event.ctrlKey || event.altKey || event.metaKey || !isMoveKey(event.key)) return;
          // Nothing else on the page has these keys while the pad does.
          event.preventDefault();
          event.stopPropagation();
          if (event.repeat) return;
          keys.current.add(event.key);
          want(velocityOf(keys.current, event.shiftKey));
        }}
        onKeyUp={(event) => {
          if (!keys.current.delete(event.key)) return;
          event.preventDefault();
          want(velocityOf(keys.current, event.shiftKey));
        }}
      >
        <i style={{ transform: `translate(${shown.pan * 100}%, ${-shown.tilt * 100}%)` }} />
      </div>
      <div class="ptz-zoom">
        <button type="button" class="ib" data-testid="ptz-closer" aria-label={p.closer} title={p.closer} {...zoom(1)}>
          <Sign name="plus" />
        </button>
        <button type="button" class="ib" data-testid="ptz-wider" aria-label={p.wider} title={p.wider} {...zoom(-1)}>
          <Sign name="minus" />
        </button>
      </div>
      <p class="muted">{p.keys}</p>
    </div>
  );
}

function Places({ camera, onState }: { camera: string; onState: (state: Ptz) => void }) {
  const { t } = useWords();
  const p = t.ptz;
  const [list, setList] = useState<Preset[] | null>(null);
  const [name, setName] = useState('');
  const action = useAction();
  const read = async (): Promise<void> => setList((await api.presets(camera)).presets);
  return (
    <details
      onToggle={(event) => {
        if ((event.currentTarget as HTMLDetailsElement).open && !list) void action.run(read);
      }}
    >
      <summary data-testid="ptz-places">{p.places}</summary>
      <ErrorText text={action.error} testid="ptz-places-error" />
      {list?.length === 0 ? <p class="muted">{p.noPlaces}</p> : null}
      <ul class="plain">
        {(list ?? []).map((one) => (
          <li key={one.preset} class="row-actions">
            <button
              type="button"
              class="small"
              data-testid="ptz-call"
              disabled={action.busy}
              onClick={() => void action.run(async () => onState(await api.callPreset(camera, one.preset)))}
            >
              {one.name}
            </button>
            <button
              type="button"
              class="ib s"
              data-testid="ptz-forget"
              aria-label={fill(p.forget, { name: one.name })}
              disabled={action.busy}
              onClick={() =>
                void action.run(async () => {
                  await api.forgetPreset(camera, one.preset);
                  await read();
                })
              }
            >
              <Sign name="cross" />
            </button>
          </li>
        ))}
      </ul>
      {list ? (
        <form
          class="row-actions"
          onSubmit={(event) => {
            event.preventDefault();
            void action.run(async () => {
              await api.keepPreset(camera, name);
              setName('');
              await read();
            });
          }}
        >
          <TextField
            label={p.name}
            required
            maxLength={64}
            data-testid="ptz-place-name"
            value={name}
            onValue={setName}
          />
          <button type="submit" class="small" data-testid="ptz-keep" disabled={action.busy}>
            {p.keep}
          </button>
        </form>
      ) : null}
    </details>
  );
}
