// Some hours of one camera as a bar: footage quiet, what is missing in its colour and hatching.

import { COLUMNS, type TrackBar } from '../bars';

export function Spark({ bar }: { bar: TrackBar | undefined }) {
  const at = (column: number): string => `${(column / COLUMNS) * 100}%`;
  return (
    <span class="spark" aria-hidden="true">
      {bar?.parts
        .filter((part) => part.kind !== 'unknown')
        .map((part) => (
          <i key={part.from} class={`h ${part.kind}`} style={{ left: at(part.from), width: at(part.to - part.from) }} />
        ))}
    </span>
  );
}
