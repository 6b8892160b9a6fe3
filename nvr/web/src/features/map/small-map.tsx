// A map that only shows: where some cameras are, for a page that is about something else.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useWords } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { theme } from '../../shared/theme';
import { drawMap } from './draw';
import { clusters, viewOf, type Placed } from './projection';
import { loadStreets, type Streets } from './streets';

/** `label`: what it shows, for who can't see it. Those in `around`, if any, decide what is in sight. */
export function SmallMap({
  found,
  around,
  label,
}: {
  found: readonly Placed[];
  around?: readonly Placed[];
  label: string;
}) {
  const { lang } = useWords();
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useStore(theme);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [streets, setStreets] = useState<Streets | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    loadStreets(stop.signal).then(setStreets, () => undefined); // cameras can be seen without streets
    const sizes = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width, height });
    });
    sizes.observe(canvas.current!);
    return () => {
      stop.abort();
      sizes.disconnect();
    };
  }, []);
  const view = useMemo(() => {
    const inSight = around && around.length > 0 ? around : found;
    return viewOf(
      inSight.map(({ at }) => at),
      size.width,
      size.height,
    );
  }, [found, around, size]);
  useEffect(() => {
    const element = canvas.current;
    if (!element || size.width === 0) return;
    const frame = requestAnimationFrame(() =>
      drawMap(element, size, view, streets, clusters(found, view, size.width, size.height), lang),
    );
    return () => cancelAnimationFrame(frame);
  }, [view, found, size, streets, colours, lang]);
  return <canvas ref={canvas} class="small-map" role="img" aria-label={label} />;
}
