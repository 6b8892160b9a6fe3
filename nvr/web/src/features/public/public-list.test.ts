import { describe, expect, it } from 'vitest';
import type { PublicCamera } from '../../shared/api/schema';
import { districts, letters, searched, troubles, withPicture } from './public-list';

const camera = (id: string, state: string, more: Partial<PublicCamera> = {}): PublicCamera => ({
  id,
  name: id,
  district: null,
  latitude: null,
  longitude: null,
  state,
  since: null,
  text: {},
  order: null,
  picture: null,
  picture_time: null,
  live: null,
  ...more,
});
const order = (letter: string) => ({ letter, letter_date: null, expected_end: null });
const all = [
  camera('Pemuda 2', 'disabled', { district: 'Tengah', order: order('B/1') }),
  camera('Pemuda 10', 'disabled', { district: 'Tengah', order: order('B/1') }),
  camera('Genuk 1', 'recording', { district: 'Genuk', picture: '/p', picture_time: '2026-11-30T07:00:00Z' }),
  camera('Genuk 2', 'network', { district: 'Genuk', picture: '/q', picture_time: '2026-11-30T06:00:00Z' }),
  camera('Gudang', 'disabled', { order: order('B/2') }),
];

describe('what citizens see', () => {
  it('has pictures first, working ones before others', () => {
    expect(withPicture([...all].reverse()).map((one) => one.id)).toEqual(['Genuk 1', 'Genuk 2']);
  });
  it('says each letter once, and every camera is in one district', () => {
    expect(letters(all).map((one) => [one.letter, one.cameras.length])).toEqual([
      ['B/1', 2],
      ['B/2', 1],
    ]);
    const found = districts(all);
    expect(found.map((one) => [one.name, one.cameras.length, one.working])).toEqual([
      ['Genuk', 2, 1],
      ['Tengah', 2, 0],
      [null, 1, 0],
    ]);
    expect(found[1]!.cameras.map((one) => one.id)).toEqual(['Pemuda 2', 'Pemuda 10']);
  });
  it('is searched by every word, in name and district', () => {
    expect(searched(all, 'genuk 2').map((one) => one.id)).toEqual(['Genuk 2']);
    expect(searched(all, ' TENGAH pem').length).toBe(2);
    expect(troubles(all)).toEqual([
      ['disabled', 3],
      ['network', 1],
    ]);
  });
});
