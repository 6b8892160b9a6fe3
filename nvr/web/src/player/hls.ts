// hls.js arrives only when a player opens: it is most of the page's weight. The light build leaves out subtitles, DRM
// and alternate audio, none of which this server has.

import type HlsType from 'hls.js';
import type { LevelDetails } from 'hls.js';
import type { Entry } from './mapping';

export type HlsClass = typeof HlsType;

let loading: Promise<HlsClass> | null = null;

export function loadHls(): Promise<HlsClass> {
  loading ??= import('hls.js/light')
    .then((module) => module.default)
    .catch((error: unknown) => {
      loading = null; // a page opened during a network failure must be able to try again
      throw error;
    });
  return loading;
}

export function entriesOf(details: LevelDetails): Entry[] {
  const out: Entry[] = [];
  for (const fragment of details.fragments) {
    if (fragment.programDateTime === null) continue;
    out.push({
      position: fragment.start,
      duration: fragment.duration,
      wall: fragment.programDateTime,
      gap: fragment.gap === true,
    });
  }
  return out;
}

/**
 * Native HLS (Safari on a phone has no MediaSource). hls.js is asked first, because Chromium now claims "maybe" too.
 */
export function playsNatively(video: HTMLVideoElement): boolean {
  return video.canPlayType('application/vnd.apple.mpegurl') !== '';
}
