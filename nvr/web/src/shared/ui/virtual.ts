// Which rows of a long list are near the screen. Only those exist in the page, so ten thousand cameras scroll like ten.

export interface Slice {
  first: number;
  /** Exclusive. */
  last: number;
}

/** `top` is how far the list's beginning lies above the upper edge of the screen, in pixels; negative if below it. */
export function visible(top: number, screen: number, rowHeight: number, count: number, overscan = 4): Slice {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight) - overscan));
  const last = Math.min(count, Math.max(first, Math.ceil((top + screen) / rowHeight) + overscan));
  return { first, last };
}
