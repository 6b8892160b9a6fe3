// The live picture of a public camera, some seconds late: parts that any cache may keep. What is no live picture any more
// is said to be none, and never shown as if it were.

import type Hls from 'hls.js';
import { useEffect, useRef, useState } from 'preact/hooks';
import { loadHls, playsNatively } from '../../player/hls';
import { useWords } from '../../shared/i18n';

/** Longer than the distance of two parts: then it stands still. */
const STILL_MS = 8000;
const AGAIN_MS = 5000;

export function LivePicture({ source, name, onClose }: { source: string; name: string; onClose: () => void }) {
  const { t } = useWords();
  const p = t.publicView;
  const video = useRef<HTMLVideoElement>(null);
  const [shows, setShows] = useState<'waiting' | 'live' | 'none'>('waiting');
  useEffect(() => {
    const element = video.current!;
    let hls: Hls | null = null;
    let gone = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    let moved = performance.now();
    // Muted: no browser refuses it for long.
    const play = (): void => void element.play().catch(() => undefined);
    const begin = async (): Promise<void> => {
      clearTimeout(again);
      hls?.destroy();
      hls = null;
      try {
        const made = await loadHls();
        if (gone) return;
        if (made.isSupported()) {
          hls = new made({
            enableWorker: false,
            liveSyncDurationCount: 2,
            liveMaxLatencyDurationCount: 5,
            backBufferLength: 8,
          });
          hls.on(made.Events.ERROR, (_event, data) => data.fatal && failed());
          hls.on(made.Events.MANIFEST_PARSED, play);
          hls.loadSource(source);
          hls.attachMedia(element);
        } else if (playsNatively(element)) {
          element.src = source;
          play();
        } else setShows('none');
      } catch {
        failed();
      }
    };
    const failed = (): void => {
      if (gone) return;
      setShows('none');
      hls?.destroy();
      hls = null;
      clearTimeout(again);
      again = setTimeout(() => void begin(), AGAIN_MS);
    };
    const progressed = (): void => {
      moved = performance.now();
      setShows('live');
    };
    const timer = setInterval(() => {
      if (performance.now() - moved > STILL_MS) setShows((now) => (now === 'live' ? 'none' : now));
    }, 1000);
    element.muted = true;
    element.addEventListener('timeupdate', progressed);
    element.addEventListener('error', failed);
    void begin();
    return () => {
      gone = true;
      clearTimeout(again);
      clearInterval(timer);
      element.removeEventListener('timeupdate', progressed);
      element.removeEventListener('error', failed);
      hls?.destroy();
      element.removeAttribute('src');
      element.load();
    };
  }, [source]);
  return (
    <div class="public-live" data-testid="public-live" data-shows={shows}>
      <video
        ref={video}
        class={shows === 'live' ? '' : 'is-away'}
        muted
        playsInline
        disableRemotePlayback
        aria-label={name}
      />
      {shows === 'live' ? (
        <span class="live-tag">{p.liveNow}</span>
      ) : (
        <span class="no-picture" role="status">
          {shows === 'waiting' ? t.camera.connecting : p.noLive}
        </span>
      )}
      <button type="button" class="btn s" data-testid="public-live-end" onClick={onClose}>
        {p.endLive}
      </button>
    </div>
  );
}
