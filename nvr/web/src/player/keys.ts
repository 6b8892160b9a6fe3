// Keyboard shortcuts of the camera page, as a pure table: a key to an intention, or nothing.

export type KeyAction =
  | { do: 'toggle' }
  | { do: 'skip'; seconds: number }
  | { do: 'step'; frames: 1 | -1 }
  | { do: 'speed'; by: number }
  | { do: 'zoom'; inwards: boolean }
  | { do: 'clip'; end: 'start' | 'end' };

interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** `typing`: the focus is in a field that wants letters; `pressing`: on something that Space or Enter activates. */
export function actionOf(event: Key, typing: boolean, pressing: boolean): KeyAction | null {
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return null;
  switch (event.key) {
    case ' ':
      return pressing ? null : { do: 'toggle' };
    case 'k':
    case 'K':
      return { do: 'toggle' };
    case 'ArrowLeft':
    case 'j':
    case 'J':
      return { do: 'skip', seconds: -10 };
    case 'ArrowRight':
    case 'l':
    case 'L':
      return { do: 'skip', seconds: 10 };
    case ',':
      return { do: 'step', frames: -1 };
    case '.':
      return { do: 'step', frames: 1 };
    case '<':
      return { do: 'speed', by: -1 };
    case '>':
      return { do: 'speed', by: 1 };
    case '+':
    case '=':
      return { do: 'zoom', inwards: true };
    case '-':
      return { do: 'zoom', inwards: false };
    case '[':
      return { do: 'clip', end: 'start' };
    case ']':
      return { do: 'clip', end: 'end' };
    default:
      return null;
  }
}

export function focusKind(target: EventTarget | null): { typing: boolean; pressing: boolean } {
  const element = target instanceof HTMLElement ? target : null;
  const tag = element?.tagName ?? '';
  return {
    typing: tag === 'INPUT' || tag === 'TEXTAREA' || tag === 'SELECT' || element?.closest('dialog') != null,
    pressing: tag === 'BUTTON' || tag === 'A' || tag === 'SUMMARY',
  };
}
