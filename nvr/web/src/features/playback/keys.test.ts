import { expect, it } from 'vitest';
import { PLAY_SPEEDS } from '../../player/together/decide';
import { playbackKey, speedBeside } from './keys';

const key = (name: string, more: object = {}) => ({
  key: name,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});

it('means what the list of keys says', () => {
  expect(playbackKey(key('ArrowLeft'), false, false)).toEqual({ do: 'skip', seconds: -10 });
  expect(playbackKey(key('ArrowLeft', { shiftKey: true }), false, false)).toEqual({ do: 'gap', by: -1 });
  expect(playbackKey(key('.'), false, false)).toEqual({ do: 'step', by: 1 });
  expect(playbackKey(key('B'), false, false)).toEqual({ do: 'bookmark' });
  expect(playbackKey(key('s'), false, false)).toEqual({ do: 'picture' });
  expect(playbackKey(key('M'), false, false)).toEqual({ do: 'sound' });
  expect(playbackKey(key('Home'), false, false)).toEqual({ do: 'day', end: 'start' });
  expect(playbackKey(key('7'), false, false)).toEqual({ do: 'tile', number: 7 });
});

it('leaves letters to fields, Space to buttons and Ctrl to the browser', () => {
  expect(playbackKey(key('b'), true, false)).toBeNull();
  expect(playbackKey(key(' '), false, true)).toBeNull();
  expect(playbackKey(key(' '), false, false)).toEqual({ do: 'toggle' });
  expect(playbackKey(key('f', { ctrlKey: true }), false, false)).toBeNull();
  expect(playbackKey(key('q'), false, false)).toBeNull();
});

it('goes slower until backwards, and stops at the ends', () => {
  expect(speedBeside(PLAY_SPEEDS, 0.25, -1)).toBe(-1);
  expect(speedBeside(PLAY_SPEEDS, -64, -1)).toBe(-64);
  expect(speedBeside(PLAY_SPEEDS, 64, 1)).toBe(64);
  expect(speedBeside(PLAY_SPEEDS, 1, 1)).toBe(2);
});
