import { expect, test } from 'vitest';
import { listFile } from './features/camera/player-address';
import { baseOf } from './shared/api/base';
import { Memory } from './player/memory';

test('the path that a proxy shows the page under', () => {
  const cases: Array<[string, string]> = [
    ['/', ''],
    ['/public', ''],
    ['/nvr/', '/nvr'],
    ['/nvr/public', '/nvr'],
    ['/a/b/', '/a/b'],
    ['', ''],
  ];
  for (const [path, base] of cases) expect(baseOf(path)).toBe(base);
});

test('a list file holds one address, whatever the camera is called', () => {
  expect(listFile('a\r\nhttp://evil/', 'http://x/y').split('\n')).toEqual([
    '#EXTM3U',
    '#EXTINF:-1,a  http://evil/',
    'http://x/y',
    '',
  ]);
});

test('footage in memory is bounded, what was used last stays, and hls.js gets copies', () => {
  const memory = new Memory(100);
  const piece = (byte: number) => new Uint8Array(20).fill(byte).buffer;
  for (let n = 0; n < 5; n += 1) memory.put(String(n), piece(n));
  memory.get('0');
  memory.put('5', piece(5));
  expect(memory.bytes).toBe(100);
  expect(memory.get('1')).toBe(null);
  const first = memory.get('0')!;
  new Uint8Array(first).fill(9);
  expect(new Uint8Array(memory.get('0')!)[0]).toBe(0);
  memory.put('big', new ArrayBuffer(26));
  expect(memory.get('big')).toBe(null);
  memory.clear();
  expect([memory.bytes, memory.get('0')]).toEqual([0, null]);
});

test('nothing on the page is asked for by an address that a path of a proxy would be missing in', () => {
  const sources = import.meta.glob('./**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }) as Record<
    string,
    string
  >;
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  for (const [name, text] of Object.entries(sources)) {
    if (name.endsWith('.test.ts')) continue;
    expect(text.replace(/^\s*(\/\/|\/\*).*$/gm, ''), name).not.toMatch(
      /(src|href)="\/|fetch\(['"`]\/|['"`]\/(api|assets|public|metrics)\b/,
    );
  }
});
