// The rectangle of a picture that is compared, and the hand that draws it: over the picture as it is shown, without the
// bars beside it.

import { useRef, useState } from 'preact/hooks';
import { useWords } from '../../shared/i18n';
import { placeOfPicture, regionBetween, type PictureRegion } from './activity';

interface LayerProps {
  region: PictureRegion | null;
  isDrawing: boolean;
  /** The size of the picture in its own pixels. */
  size: () => { width: number; height: number };
  onRegion: (region: PictureRegion | null) => void;
}

export function RegionLayer({ region, isDrawing, size, onRegion }: LayerProps) {
  const { t } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const from = useRef<{ x: number; y: number } | null>(null);
  const [drawn, setDrawn] = useState<PictureRegion | null>(null);
  const element = box.current?.getBoundingClientRect();
  const place = placeOfPicture(element ?? { width: 0, height: 0 }, size());
  const at = (event: PointerEvent): { x: number; y: number } => {
    const r = box.current!.getBoundingClientRect();
    const p = placeOfPicture(r, size());
    return {
      x: ((event.clientX - r.left) / r.width - p.left) / (p.right - p.left),
      y: ((event.clientY - r.top) / r.height - p.top) / (p.bottom - p.top),
    };
  };
  const shown = drawn ?? region;
  return (
    <div
      ref={box}
      class={`pic-region ${isDrawing ? 'is-drawing' : ''}`}
      data-testid="region-layer"
      role="presentation"
      onPointerDown={(event) => {
        if (!isDrawing) return;
        event.stopPropagation();
        box.current!.setPointerCapture(event.pointerId);
        from.current = at(event);
      }}
      onPointerMove={(event) => {
        if (from.current) setDrawn(regionBetween(from.current, at(event)));
      }}
      onPointerUp={(event) => {
        if (from.current) onRegion(regionBetween(from.current, at(event)));
        from.current = null;
        setDrawn(null);
      }}
      onPointerCancel={() => {
        from.current = null;
        setDrawn(null);
      }}
    >
      {shown ? (
        <i
          aria-label={t.activity.region}
          style={{
            left: `${(place.left + shown.left * (place.right - place.left)) * 100}%`,
            top: `${(place.top + shown.top * (place.bottom - place.top)) * 100}%`,
            width: `${(shown.right - shown.left) * (place.right - place.left) * 100}%`,
            height: `${(shown.bottom - shown.top) * (place.bottom - place.top) * 100}%`,
          }}
        />
      ) : null}
    </div>
  );
}
