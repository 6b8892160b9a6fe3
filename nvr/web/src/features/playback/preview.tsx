// What stands over the pointer on the timeline: the picture of that moment, its time, and what is there. The picture is
// a keyframe, decoded by the browser.

import { useEffect, useRef, useState } from 'preact/hooks';
import { keyframes } from '../../player/together/keyframes';
import { KeyframeCanvas } from '../../player/together/painter';
import { useWords } from '../../shared/i18n';
import * as format from '../../shared/time/format';
import type { Instant } from '../../shared/time/instant';

interface PreviewProps {
  camera: string;
  name: string;
  at: Instant;
  zone: string;
  /** Words instead of a picture: there is none. */
  words: string;
  hasFootage: boolean;
}

/** A pointer passes over many moments: the one where it rests for a moment is asked for. */
const REST_MS = 15;

export function PicturePreview({ camera, name, at, zone, words, hasFootage }: PreviewProps) {
  const { lang } = useWords();
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<KeyframeCanvas | null>(null);
  const [drawn, setDrawn] = useState<string | null>(null);
  useEffect(() => {
    if (!canvas.current) return;
    painter.current = new KeyframeCanvas(canvas.current);
    return () => painter.current?.close();
  }, []);
  useEffect(() => {
    if (!hasFootage) return;
    const stop = new AbortController();
    const moment = Math.round(at);
    const show = (): void => {
      const found = keyframes.find(camera, moment);
      // In a gap there is none: what is there is another moment's.
      if (!found || !painter.current) return setDrawn(null);
      void painter.current.show(found).then(() => setDrawn(camera));
    };
    if (keyframes.find(camera, moment)) {
      show();
      return;
    }
    const timer = setTimeout(() => {
      keyframes.load([camera], [moment], stop.signal).then(
        () => !stop.signal.aborted && show(),
        () => stop.signal.aborted || setDrawn(null), // the words are there
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [camera, Math.round(at), hasFootage]);
  return (
    <>
      <canvas
        ref={canvas}
        class={`tl-shot ${hasFootage && drawn === camera ? '' : 'is-empty'}`}
        data-width="320"
        data-testid="preview-picture"
        aria-hidden="true"
      />
      <p>
        <b>{format.clock(at, lang, zone)}</b>
        <span>{format.utc(at).slice(11)}</span>
      </p>
      <p>
        <span>{words}</span>
        <span class="ell" translate={false}>
          {name}
        </span>
      </p>
    </>
  );
}
