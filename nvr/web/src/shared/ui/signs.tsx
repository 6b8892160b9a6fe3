// Signs of the frame and of lists: strokes on a grid of 16, in the colour of the text. A word is always beside them or
// in the label.

const PATHS = {
  wall: 'M2 3h5v4H2zM9 3h5v4H9zM2 9h5v4H2zM9 9h5v4H9z',
  map: 'M8 14s4.5-4.2 4.5-7.5a4.5 4.5 0 0 0-9 0C3.5 9.8 8 14 8 14zM8 8a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z',
  cameras: 'M2 4h12M2 8h12M2 12h12',
  find: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM14 14l-3.4-3.4',
  playback: 'M2 11h12M2 14h7M6 2.5v6l5-3z',
  cases: 'M2 4.5A1.5 1.5 0 0 1 3.5 3H6l1.5 2h5A1.5 1.5 0 0 1 14 6.5v5A1.5 1.5 0 0 1 12.5 13h-9A1.5 1.5 0 0 1 2 11.5z',
  exports: 'M8 2v7M5 6.5 8 9.5l3-3M3 12.5h10',
  holds: 'M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2',
  overview: 'M2 9h3l2-5 2.5 8L11 9h3',
  alerts: 'M8 2.5a4 4 0 0 1 4 4c0 3 1.3 4.3 1.3 4.3H2.7S4 9.5 4 6.5a4 4 0 0 1 4-4zM6.8 13.3h2.4',
  gaps: 'M2 5h4M9 5h5M2 11h7M12 11h2',
  network: 'M2 6.5a9 9 0 0 1 12 0M4.3 9a5.5 5.5 0 0 1 7.4 0M8 12.2v.1',
  orders: 'M4 2h5.5L12.5 5v9H4zM9.5 2v3h3M6 8.5h4.5M6 11h4.5',
  setup: 'M2 5h7M12 5h2M2 11h2M7 11h7M10.5 3.5v3M5.5 9.5v3',
  devices: 'M3 3h10v6H3zM8 9v4M5 13.5h6',
  storage: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  people:
    'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4' +
    'M10.5 2.8a2.5 2.5 0 0 1 0 4.4M12.5 9.9c1.2.6 2 1.8 2 3.6',
  key: 'M10.5 8a2.5 2.5 0 1 0-2.4-1.8L2.5 11.8v1.7h2v-1.5H6v-1.5l2.3-2.4c.6.6 1.400.9 2.2.9z',
  audit: 'M5 4h9M5 8h9M5 12h9M2 4h.1M2 8h.1M2 12h.1',
  back: 'M8 4.5H4.5V1M4.8 4.2A5.5 5.5 0 1 1 2.5 8.7',
  full: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  photo: 'M2 5h3l1-1.5h4L11 5h3v8H2zM8 11a2.2 2.2 0 1 0 0-4.4A2.2 2.2 0 0 0 8 11z',
  sound: 'M3 6v4h2.5L9 13V3L5.5 6zM11.5 6a3 3 0 0 1 0 4',
  cross: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5 6.5 12 13 4.5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  down: 'M4 6l4 4 4-4',
  warn: 'M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5V11M8 5v.1',
  link: 'M6.5 9.5l3-3M7 4.5 8.5 3a3 3 0 0 1 4.5 4.500L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.500 7',
  seal:
    'M8 2l1.6 1.2 2-.1.5 1.9 1.6 1.1-.7 1.9.7 1.9-1.6 1.1-.5 1.9-2-.1' +
    'L8 14l-1.6-1.2-2 .1-.5-1.9L2.3 9.9 3 8l-.7-1.9 1.6-1.1.5-1.9 2 .1z' +
    'M5.8 8.1l1.5 1.5 2.9-3',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3.2l2 1.3',
  more: 'M3 8h.1M8 8h.1M13 8h.1',
  user: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c0-3 2.4-4.5 5.5-4.5s5.5 1.5 5.5 4.5',
  file: 'M4 2h5.5L12.5 5v9H4zM9.5 2v3h3',
  shield: 'M8 2l5 1.800v4c0 3.200-2.200 5.200-5 6.200-2.800-1-5-3-5-6.200v-4z',
  cut: 'M2 2l12 12M6.5 3.7A7.5 7.5 0 0 1 14.5 8a9 9 0 0 1-2 2.5M4 5.2A9 9 0 0 0 1.5 8 7.5 7.5 0 0 0 9.7 12.2',
  bookmark: 'M4 2.5h8V14L8 11l-4 3z',
  grid: 'M2.5 2.5h11v11h-11z',
} as const;

export type SignName = keyof typeof PATHS;

export function Sign({ name }: { name: SignName }) {
  return (
    <svg class="i" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
