// A range of footage as a file. The server is asked first whether it can be had, so that the answer "no" comes in
// words.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../shared/api/client';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { parseInstant, SECOND, type Instant } from '../../shared/time/instant';
import type { Bounds } from '../../timeline/geometry';
import type { ClipPart } from '../../shared/api/schema';
import { Field } from '../../shared/ui/field';
import { TimeField } from '../../shared/ui/time-field';
import { errorWords, problemWords } from '../../shared/i18n/words';
import { SealButton } from './seal-button';
import { readCoverage, type DayCoverage } from '../../timeline/day-coverage';

interface ClipPanelProps {
  camera: string;
  zone: string;
  clip: Bounds | null;
  playhead: Instant | null;
  onClip: (clip: Bounds | null) => void;
  /** A first range around what is on screen. */
  onChoose: () => void;
}

type Result =
  | { kind: 'checking' }
  | { kind: 'started'; size: number | null; notShown: ClipPart[] }
  | {
      kind: 'failed';
      text: string;
      parts: ClipPart[];
      archive: string | null;
      soFar: ClipPart | null;
      retryAt: Instant | null;
    };

export function ClipPanel({ camera, zone, clip, playhead, onClip, onChoose }: ClipPanelProps) {
  const { t, lang } = useWords();
  const c = t.clip;
  const [result, setResult] = useState<Result | null>(null);
  const range = useRangeCoverage(camera, clip);
  const [gaps, setGaps] = useState<api.ClipGaps>('collapse');
  useEffect(() => setResult(null), [clip?.start, clip?.end, gaps]);

  if (!clip) {
    return (
      <section class="panel" aria-labelledby="clip-title" data-testid="clip-panel">
        <h2 id="clip-title">{c.title}</h2>
        <p class="muted">{c.hint}</p>
        <button type="button" data-testid="clip-choose" onClick={onChoose}>
          {c.choose}
        </button>
      </section>
    );
  }

  const valid = clip.end > clip.start;
  const known = valid && range && range.recordedS + range.missingS > 0;
  const empty = Boolean(known && range!.recordedS <= 0);

  async function download(): Promise<void> {
    const url = api.clipUrl(camera, clip!.start, clip!.end, gaps);
    setResult({ kind: 'checking' });
    try {
      const check = await api.checkClip(url);
      if (check.ready) {
        save(url);
        setResult({ kind: 'started', size: check.size, notShown: check.notShown });
      } else
        setResult({
          kind: 'failed',
          text: problemWords(check.problem, t),
          parts: check.parts,
          archive: check.archive,
          soFar: check.soFar,
          retryAt: check.retryAt,
        });
    } catch (error) {
      setResult({ kind: 'failed', text: errorWords(error, t), parts: [], archive: null, soFar: null, retryAt: null });
    }
  }

  return (
    <section class="panel" aria-labelledby="clip-title" data-testid="clip-panel">
      <h2 id="clip-title">{c.title}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid && !empty) void download();
        }}
      >
        <div class="clip-fields">
          <End
            name="start"
            label={c.from}
            here={c.fromHere}
            at={clip.start}
            zone={zone}
            playhead={playhead}
            onAt={(start) => onClip({ ...clip, start })}
          />
          <End
            name="end"
            label={c.to}
            here={c.toHere}
            at={clip.end}
            zone={zone}
            playhead={playhead}
            onAt={(end) => onClip({ ...clip, end })}
          />
        </div>
        <dl class="facts">
          <dt>{c.length}</dt>
          <dd data-testid="clip-length">{valid ? format.durationBetween(clip.start, clip.end, lang) : '–'}</dd>
          <dt>{c.footage}</dt>
          <dd data-testid="clip-footage">
            {known
              ? fill(c.footageOf, {
                  footage: format.duration(range!.recordedS, lang),
                  percent: format.percent(range!.recordedS, (clip.end - clip.start) / SECOND, lang),
                })
              : '–'}
          </dd>
        </dl>
        {known && range!.missingS > 0 && !empty ? (
          <Field label={c.gaps}>
            {(attributes) => (
              <select
                {...attributes}
                data-testid="clip-gaps"
                value={gaps}
                onChange={(event) => setGaps(event.currentTarget.value === 'keep' ? 'keep' : 'collapse')}
              >
                <option value="collapse">{c.gapsCollapse}</option>
                <option value="keep">{c.gapsKeep}</option>
              </select>
            )}
          </Field>
        ) : null}
        {valid ? null : (
          <p class="error" role="alert">
            {c.invalid}
          </p>
        )}
        {empty ? (
          <p class="error" role="status" data-testid="clip-empty">
            {c.empty}
          </p>
        ) : null}
        <div class="actions">
          <button
            type="submit"
            class="primary"
            data-testid="clip-download"
            disabled={!valid || empty || result?.kind === 'checking'}
          >
            {result?.kind === 'checking' ? c.checking : c.download}
          </button>
          <button type="button" data-testid="clip-clear" onClick={() => onClip(null)}>
            {c.clear}
          </button>
        </div>
        {result ? <Outcome result={result} zone={zone} /> : null}
      </form>
      {/* Outside the form: its dialog has one of its own. */}
      <div class="actions">
        <SealButton camera={camera} clip={clip} disabled={!valid || empty} />
      </div>
    </section>
  );
}

function Outcome({ result, zone }: { result: Result; zone: string }) {
  const { t, lang } = useWords();
  const c = t.clip;
  if (result.kind === 'checking') return null;
  if (result.kind === 'started') {
    return (
      <div class="clip-outcome" role="status">
        <p class="good" data-testid="clip-started">
          {result.size === null ? c.startedUnsized : fill(c.started, { size: format.bytes(result.size, lang) })}
        </p>
        {result.notShown.length > 0 ? (
          <>
            <p>{c.notShown}</p>
            <Parts parts={result.notShown} zone={zone} label={c.notShown} testid="clip-not-shown" />
          </>
        ) : null}
      </div>
    );
  }
  return (
    <div role="alert" class="clip-outcome" data-testid="clip-problem">
      <p class={result.parts.length > 0 || result.soFar ? '' : 'error'}>
        {result.text}
        {result.retryAt === null ? '' : ` ${fill(c.retry, { time: format.dateTime(result.retryAt, lang, zone) })}`}
      </p>
      {result.soFar ? (
        <p>
          <a href={result.soFar.url} download data-testid="clip-so-far">
            {fill(c.soFar, { until: format.dateTime(parseInstant(result.soFar.end), lang, zone) })}
          </a>
        </p>
      ) : null}
      {result.parts.length > 0 ? (
        <Parts parts={result.parts} zone={zone} label={c.parts} testid="clip-part">
          {result.archive ? (
            <li>
              <a href={result.archive} download data-testid="clip-archive">
                {c.archive}
              </a>
            </li>
          ) : null}
        </Parts>
      ) : null}
    </div>
  );
}

interface PartsProps {
  parts: ClipPart[];
  zone: string;
  label: string;
  testid: string;
  children?: ComponentChildren;
}

function Parts({ parts, zone, label, testid, children }: PartsProps) {
  const { t, lang } = useWords();
  return (
    <ul class="clip-parts" aria-label={label}>
      {parts.map((part, i) => {
        const [start, end] = [parseInstant(part.start), parseInstant(part.end)];
        return (
          <li key={part.url}>
            <a href={part.url} download data-testid={testid}>
              {fill(t.clip.part, { n: i + 1 })}
            </a>{' '}
            {format.period(start, end, lang, zone)} ({format.durationBetween(start, end, lang)})
          </li>
        );
      })}
      {children}
    </ul>
  );
}

interface EndProps {
  name: 'start' | 'end';
  label: string;
  here: string;
  at: Instant;
  zone: string;
  playhead: Instant | null;
  onAt: (at: Instant) => void;
}

function End({ name, label, here, at, zone, playhead, onAt }: EndProps) {
  return (
    <div>
      <TimeField label={label} at={at} zone={zone} testid={`clip-${name}`} onAt={onAt} />
      <button
        type="button"
        class="small"
        data-testid={`clip-${name}-here`}
        disabled={playhead === null}
        onClick={() => playhead !== null && onAt(Math.round(playhead / SECOND) * SECOND)}
      >
        {here}
      </button>
    </div>
  );
}

/** The server's own answer for the range, asked when the handles rest. */
function useRangeCoverage(camera: string, clip: Bounds | null): DayCoverage | null {
  const [found, setFound] = useState<{ clip: Bounds; coverage: DayCoverage } | null>(null);
  const start = clip?.start;
  const end = clip?.end;
  useEffect(() => {
    if (start === undefined || end === undefined || end <= start) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      api
        .coverage(camera, start, end, stop.signal)
        .then((answer) => setFound({ clip: { start, end }, coverage: readCoverage(answer) }))
        .catch(() => undefined); // the length stays unknown; the download will say why
    }, 250);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [camera, start, end]);
  return found && found.clip.start === start && found.clip.end === end ? found.coverage : null;
}

/** Under the name that the server gives it, which says what is in it. */
function save(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  document.body.append(link);
  link.click();
  link.remove();
}
