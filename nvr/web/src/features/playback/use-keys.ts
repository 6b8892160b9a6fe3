// The keyboard of playback, for as long as its page is open.

import { useEffect, useRef } from 'preact/hooks';
import { focusKind } from '../../player/keys';
import { playbackKey, type PlaybackKey } from './keys';

export function usePlaybackKeys(listener: (key: PlaybackKey) => void): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const { typing, pressing } = focusKind(event.target);
      const key = event.defaultPrevented ? null : playbackKey(event, typing, pressing);
      if (!key) return;
      event.preventDefault();
      latest.current(key);
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}
