// The range on the screen with what was recorded of it, and the way to save it of all cameras that are played.

import { useState } from 'preact/hooks';
import type { Me } from '../../shared/api/schema';
import { fill, useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import { SECOND, type Instant } from '../../shared/time/instant';
import { TimeField } from '../../shared/ui/time-field';
import { runsOf } from '../../timeline/columns';
import type { Bounds } from '../../timeline/geometry';
import { SaveSheet, waysOf } from '../cases/save-sheet';
import { useCoverageOf } from './use-coverage';

interface SavePaneProps {
  me: Me;
  cameras: readonly string[];
  names: (camera: string) => string;
  range: Bounds | null;
  at: Instant;
  zone: string;
  onRange: (range: Bounds | null) => void;
}

const COLUMNS = 72;

export function SavePane(props: SavePaneProps) {
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
        <RangeShown {...props} range={range} />
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

function RangeShown({ me, cameras, names, range }: SavePaneProps & { range: Bounds }) {
  const { t, lang } = useWords();
  const p = t.playback;
  const coverage = useCoverageOf(cameras, range, COLUMNS);
  const [saving, setSaving] = useState(false);
  const seconds = (range.end - range.start) / SECOND;
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
                          class={`h ${run.cls === 'administrative' ? 'decision' : (run.cls ?? 'footage')}`}
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
      {waysOf(me).length > 0 ? (
        <button type="button" class="primary save-bar" data-testid="save-range" onClick={() => setSaving(true)}>
          {p.save}
        </button>
      ) : null}
      {saving ? (
        <SaveSheet
          me={me}
          cameras={cameras.map((id) => ({ id, name: names(id) }))}
          range={range}
          onClose={() => setSaving(false)}
        />
      ) : null}
    </>
  );
}
