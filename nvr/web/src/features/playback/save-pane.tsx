// The range on the screen and all its cameras: into a case, as clips, or sealed. Nothing is asked that the screen knows.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import type { Case, Me } from '../../shared/api/schema';
import { may } from '../../session';
import { fill, useWords } from '../../shared/i18n';
import { errorWords, problemWords } from '../../shared/i18n/words';
import * as format from '../../shared/time/format';
import { SECOND, type Instant } from '../../shared/time/instant';
import { useAction } from '../../shared/ui/action';
import { ErrorText } from '../../shared/ui/dialog';
import { Field, valueOf } from '../../shared/ui/field';
import { TextField } from '../../shared/ui/form';
import { TimeField } from '../../shared/ui/time-field';
import { toast } from '../../shared/ui/toast';
import type { Bounds } from '../../timeline/geometry';
import { runsOf } from '../../timeline/columns';
import { ExportForm } from '../cases/export-form';
import { href } from '../../router';
import { useCoverageOf } from './use-coverage';

interface SaveProps {
  me: Me;
  cameras: readonly string[];
  names: (camera: string) => string;
  range: Bounds | null;
  at: Instant;
  zone: string;
  onRange: (range: Bounds | null) => void;
}

type What = 'case' | 'clip' | 'sealed';
const COLUMNS = 72;

export function SavePane(props: SaveProps) {
  const { t } = useWords();
  const p = t.playback;
  const { range, at, zone, onRange } = props;
  const whole = Math.round(at / SECOND) * SECOND;
  if (!range)
    return (
      <>
        <h2>{p.save}</h2>
        <p class="muted">{p.noRange}</p>
        <div class="actions">
          <button
            type="button"
            data-testid="range-choose"
            onClick={() => onRange({ start: whole - 30 * SECOND, end: whole + 30 * SECOND })}
          >
            {t.clip.choose}
          </button>
        </div>
      </>
    );
  return (
    <>
      <div class="rng">
        <TimeField
          label={t.clip.from}
          at={range.start}
          zone={zone}
          testid="range-start"
          onAt={(start) => onRange({ ...range, start })}
        />
        <button
          type="button"
          class="btn s"
          title={`${p.fromHere} (I)`}
          aria-label={p.fromHere}
          onClick={() => onRange({ start: whole, end: Math.max(range.end, whole + SECOND) })}
        >
          [
        </button>
        <TimeField
          label={t.clip.to}
          at={range.end}
          zone={zone}
          testid="range-end"
          onAt={(end) => onRange({ ...range, end })}
        />
        <button
          type="button"
          class="btn s"
          title={`${p.toHere} (O)`}
          aria-label={p.toHere}
          onClick={() => onRange({ start: Math.min(range.start, whole - SECOND), end: whole })}
        >
          ]
        </button>
      </div>
      {range.end > range.start ? (
        <Choices {...props} range={range} />
      ) : (
        <p class="error" role="alert">
          {t.clip.invalid}
        </p>
      )}
      <button type="button" class="btn quiet" data-testid="range-clear" onClick={() => onRange(null)}>
        {p.clear}
      </button>
    </>
  );
}

function Choices({ me, cameras, names, range, zone }: SaveProps & { range: Bounds }) {
  const { t, lang } = useWords();
  const p = t.playback;
  const coverage = useCoverageOf(cameras, range, COLUMNS);
  const able: What[] = [
    ...(may(me, 'request') ? (['case'] as const) : []),
    ...(may(me, 'clip') ? (['clip'] as const) : []),
    ...(may(me, 'export') ? (['sealed'] as const) : []),
  ];
  const [what, setWhat] = useState<What | null>(null);
  const chosen = what ?? able[0] ?? null;
  const seconds = (range.end - range.start) / SECOND;
  const words: Record<What, [string, string]> = {
    case: [p.intoCase, p.intoCaseHint],
    clip: [p.clip, p.clipHint],
    sealed: [p.sealed, p.sealedHint],
  };
  return (
    <>
      <div>
        <div class="row">
          <h2 data-testid="range-length">
            {fill(p.rangeOf, { length: format.duration(seconds, lang), n: cameras.length })}
          </h2>
          <span class="grow" />
          <span class="cap">{p.footageIn}</span>
        </div>
        <div class="cov">
          {cameras.map((camera) => {
            const track = coverage?.answer.tracks.find((one) => one.camera === camera);
            const isOf = coverage?.of.start === range.start && coverage.of.end === range.end;
            return [
              <span key={camera} class="ell" translate={false}>
                {names(camera)}
              </span>,
              <div key={`${camera} track`} class="track" aria-hidden="true">
                {track
                  ? runsOf(track).map((run) =>
                      run.state === 'unknown' && run.cls === null ? null : (
                        <u
                          key={run.start}
                          class={`h ${run.cls === null ? 'footage' : run.cls === 'administrative' ? 'decision' : run.cls}`}
                          style={{ left: `${(run.start / COLUMNS) * 100}%`, width: `${(run.length / COLUMNS) * 100}%` }}
                        />
                      ),
                    )
                  : null}
              </div>,
              <span key={`${camera} share`} class="num" data-testid="range-share">
                {track && isOf ? format.percent(track.recorded_s, seconds, lang) : '–'}
              </span>,
            ];
          })}
        </div>
      </div>
      {able.length > 0 ? (
        <fieldset class="plain">
          <legend class="visually-hidden">{p.save}</legend>
          {able.map((one) => (
            <label key={one} class="choice">
              <input
                type="radio"
                name="save-what"
                data-testid={`save-${one}`}
                checked={chosen === one}
                onChange={() => setWhat(one)}
              />
              <b>{words[one][0]}</b>
              <p>{words[one][1]}</p>
            </label>
          ))}
        </fieldset>
      ) : null}
      {chosen === 'case' ? <IntoCase cameras={cameras} range={range} /> : null}
      {chosen === 'clip' ? <Clips cameras={cameras} names={names} range={range} /> : null}
      {chosen === 'sealed' ? <Sealed cameras={cameras} range={range} zone={zone} /> : null}
    </>
  );
}

function IntoCase({ cameras, range }: { cameras: readonly string[]; range: Bounds }) {
  const { t } = useWords();
  const [cases, setCases] = useState<Case[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [purpose, setPurpose] = useState('');
  const action = useAction();
  useEffect(() => {
    api.cases().then(
      (found) => setCases(found.cases.filter((one) => one.closed === null)),
      () => setCases([]),
    );
  }, []);
  const id = chosen || cases?.[0]?.id || '';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void action
          .run(() => api.askForFootage(id, [...cameras], range.start, range.end, purpose.trim()))
          .then((ok) => {
            if (ok) toast({ text: t.cases.heldAtOnce, href: href('cases') });
          });
      }}
    >
      <Field label={t.nav.cases}>
        {(f) => (
          <select {...f} data-testid="save-which-case" value={id} onChange={(event) => setChosen(valueOf(event))}>
            {(cases ?? []).map((one) => (
              <option key={one.id} value={one.id}>
                {one.number} {one.title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <TextField label={t.cases.purpose} required data-testid="save-purpose" value={purpose} onValue={setPurpose} />
      <ErrorText text={action.error} testid="save-error" />
      <button type="submit" class="primary" data-testid="save-ask" disabled={action.busy || id === ''}>
        {t.cases.ask}
      </button>
    </form>
  );
}

type Outcome = { state: 'checking' | 'started' } | { state: 'failed'; words: string };

function Clips({
  cameras,
  names,
  range,
}: {
  cameras: readonly string[];
  names: (camera: string) => string;
  range: Bounds;
}) {
  const { t } = useWords();
  const [found, setFound] = useState<Record<string, Outcome>>({});
  useEffect(() => setFound({}), [range.start, range.end]);
  const say = (camera: string, outcome: Outcome): void => setFound((now) => ({ ...now, [camera]: outcome }));
  const load = async (camera: string): Promise<void> => {
    const url = api.clipUrl(camera, range.start, range.end, 'collapse');
    say(camera, { state: 'checking' });
    try {
      const check = await api.checkClip(url);
      if (!check.ready) return say(camera, { state: 'failed', words: problemWords(check.problem, t) });
      const link = document.createElement('a');
      link.href = url;
      link.download = '';
      link.click();
      say(camera, { state: 'started' });
    } catch (error) {
      say(camera, { state: 'failed', words: errorWords(error, t) });
    }
  };
  return (
    <ul class="plain-list">
      {cameras.map((camera) => {
        const outcome = found[camera];
        return (
          <li key={camera}>
            <button
              type="button"
              class="btn"
              data-testid="save-one-clip"
              disabled={outcome?.state === 'checking'}
              onClick={() => void load(camera)}
            >
              {fill(t.playback.clipOf, { name: names(camera) })}
            </button>
            {outcome ? (
              <p class={outcome.state === 'failed' ? 'error' : 'cap'} role="status" data-testid="save-outcome">
                {outcome.state === 'failed'
                  ? outcome.words
                  : outcome.state === 'checking'
                    ? t.clip.checking
                    : t.clip.startedUnsized}
              </p>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

function Sealed({ cameras, range, zone }: { cameras: readonly string[]; range: Bounds; zone: string }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="primary" data-testid="save-seal" onClick={() => setOpen(true)}>
        {t.exports.seal}
      </button>
      {open ? (
        <ExportForm
          zone={zone}
          camera={cameras.join(' ')}
          range={range}
          onDone={() => {
            setOpen(false);
            toast({ text: t.exports.asked, href: href('exports') });
          }}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </>
  );
}
