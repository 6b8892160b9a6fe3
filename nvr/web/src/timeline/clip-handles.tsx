// The two ends of the clip range, to drag or to move with the arrow keys.

import { useRef } from 'preact/hooks';
import { useWords } from '../shared/i18n';
import * as format from '../shared/time/format';
import { MINUTE, SECOND, type Instant } from '../shared/time/instant';
import { xOf, type Bounds } from './geometry';

interface HandlesProps {
  clip: Bounds;
  day: Bounds;
  view: Bounds;
  width: number;
  zone: string;
  onClip: (clip: Bounds) => void;
}

export function ClipHandles({ clip, day, view, width, zone, onClip }: HandlesProps) {
  const { t } = useWords();
  const move = (end: 'start' | 'end', to: Instant): void => {
    const whole = Math.round(to / SECOND) * SECOND; // the fields beside show seconds, so the handles keep to them
    if (end === 'start') onClip({ start: Math.min(whole, clip.end - SECOND), end: clip.end });
    else onClip({ start: clip.start, end: Math.max(whole, clip.start + SECOND) });
  };
  const common = { day, view, width, zone };
  return (
    <>
      <Handle {...common} at={clip.start} side="start" label={t.clip.handleStart} onMove={(to) => move('start', to)} />
      <Handle {...common} at={clip.end} side="end" label={t.clip.handleEnd} onMove={(to) => move('end', to)} />
    </>
  );
}

interface HandleProps {
  at: Instant;
  side: 'start' | 'end';
  label: string;
  day: Bounds;
  view: Bounds;
  width: number;
  zone: string;
  onMove: (to: Instant) => void;
}

function Handle({ at, side, label, day, view, width, zone, onMove }: HandleProps) {
  const { lang } = useWords();
  const drag = useRef<{ x: number; at: Instant } | null>(null);
  if (at < view.start || at > view.end) return null;
  const within = (to: Instant): Instant => Math.min(Math.max(to, day.start), day.end);
  return (
    <div
      class={`clip-handle clip-handle-${side}`}
      data-testid={`clip-handle-${side}`}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.round((day.end - day.start) / SECOND)}
      aria-valuenow={Math.round((at - day.start) / SECOND)}
      aria-valuetext={format.dateTime(at, lang, zone)}
      style={{ transform: `translateX(${xOf(at, view, width)}px)` }}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, at };
      }}
      onPointerMove={(event) => {
        if (!drag.current) return;
        onMove(within(drag.current.at + ((event.clientX - drag.current.x) / width) * (view.end - view.start)));
      }}
      onPointerUp={() => (drag.current = null)}
      onPointerCancel={() => (drag.current = null)}
      onKeyDown={(event) => {
        const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
        if (step === 0) return;
        event.preventDefault();
        event.stopPropagation();
        onMove(within(at + step * (event.shiftKey ? MINUTE : SECOND)));
      }}
    />
  );
}
