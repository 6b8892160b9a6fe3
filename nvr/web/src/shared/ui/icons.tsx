// The player's signs. Drawn here, because nothing may be loaded from elsewhere; words are always beside or in the
// label.

const PATHS = {
  play: 'M8 5v14l11-7z',
  pause: 'M6 5h4v14H6zM14 5h4v14h-4z',
  back10: 'M12 5V1L7 6l5 5V7a6 6 0 1 1-6 6H4a8 8 0 1 0 8-8z',
  forward10: 'M12 5V1l5 5-5 5V7a6 6 0 1 0 6 6h2a8 8 0 1 1-8-8z',
  frameBack: 'M6 5h2v14H6zM18 5v14l-9-7z',
  frameForward: 'M16 5h2v14h-2zM6 5v14l9-7z',
  sound: 'M4 9v6h4l5 5V4L8 9zM16 8.5a4.5 4.5 0 0 1 0 7zM16 4v2a7 7 0 0 1 0 12v2a9 9 0 0 0 0-16z',
  mute:
    'M4 9v6h4l5 5V4L8 9z' +
    'M15.6 9l-1.1 1.1 1.9 1.9-1.9 1.9 1.1 1.1 1.9-1.9 1.9 1.9 1.1-1.1-1.9-1.9 1.9-1.9-1.1-1.1-1.9 1.9z',
  full: 'M4 4h7v2H6v5H4zM13 4h7v7h-2V6h-5zM4 13h2v5h5v2H4zM18 13h2v7h-7v-2h5z',
  photo: 'M9 4l-1.8 2H4v14h16V6h-3.2L15 4zM12 8a5 5 0 1 1 0 10 5 5 0 0 1 0-10zm0 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  left: 'M15 5l-7 7 7 7z',
  right: 'M9 5l7 7-7 7z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" />
    </svg>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  testid: string;
  disabled?: boolean;
  onClick: () => void;
}

export function IconButton({ icon, label, testid, disabled = false, onClick }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      data-testid={testid}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
