import { expect, test } from 'vitest';
import { formatInstant } from './instant';
import { parseUsual, turned, usualText } from './usual';

const ZONE = 'Asia/Jakarta';
const NOW = Date.parse('2026-11-30T07:32:07Z'); // 14:32:07 WIB
const read = (text: string) => {
  const found = parseUsual(text, NOW, ZONE);
  return found && [formatInstant(found.at), found.rest];
};

test.each([
  ['14:05', '2026-11-30T07:05:00.000Z', ''],
  ['14.05.30', '2026-11-30T07:05:30.000Z', ''],
  ['16:00', '2026-11-29T09:00:00.000Z', ''], // still to come today: yesterday's
  ['29/11 14:05', '2026-11-29T07:05:00.000Z', ''],
  ['29/11/2026 14:05:30.25', '2026-11-29T07:05:30.250Z', ''],
  ['29-11-2026 14.05', '2026-11-29T07:05:00.000Z', ''],
  ['29.11.2026 14.05', '2026-11-29T07:05:00.000Z', ''],
  ['29/11/26 7:05', '2026-11-29T00:05:00.000Z', ''],
  ['2026-11-29 14:05', '2026-11-29T07:05:00.000Z', ''],
  ['2026-11-29T14:05:06.5', '2026-11-29T07:05:06.500Z', ''],
  ['29 Nov 2026 14:05', '2026-11-29T07:05:00.000Z', ''],
  ['29 november', '2026-11-28T17:00:00.000Z', ''],
  ['17 agustus 08.00', '2026-08-17T01:00:00.000Z', ''],
  ['24/12 20:00', '2025-12-24T13:00:00.000Z', ''], // of this year it has not come
  ['kemarin 14.05', '2026-11-29T07:05:00.000Z', ''],
  ['yesterday 14:05', '2026-11-29T07:05:00.000Z', ''],
  ['29/11 07:05 UTC', '2026-11-29T07:05:00.000Z', ''],
  ['pandanaran 29/11 14:05', '2026-11-29T07:05:00.000Z', 'pandanaran'],
  ['14:05 jl. pahlawan 07', '2026-11-30T07:05:00.000Z', 'jl. pahlawan 07'],
])('%s', (text, at, rest) => {
  expect(read(text)).toEqual([at, rest]);
});

test.each(['', 'pahlawan 07', 'LP/B/1127/XI/2026', 'B/4112/500.12', '31/02/2026', '24:30', '12:75', 'lampu 3'])(
  'no moment: %s',
  (text) => {
    expect(read(text)).toBeNull();
  },
);

test('what the field shows is read again as it was', () => {
  for (const iso of ['2026-11-29T07:05:30.000Z', '2026-01-02T17:00:00.123456Z', '2028-02-29T00:00:00.000Z'])
    for (const mark of [':', '.']) {
      const at = parseUsual(iso, NOW, 'UTC')!.at;
      expect(parseUsual(usualText(at, ZONE, mark), NOW, ZONE)!.at).toBeCloseTo(at, 2);
    }
});

test('arrows turn the part under the caret', () => {
  const at = Date.parse('2026-01-31T07:05:30Z'); // 31/01/2026 14:05:30
  const shown = (caret: number, by: number) => usualText(turned(at, caret, by, ZONE), ZONE);
  expect(shown(0, 1)).toBe('01/02/2026 14:05:30');
  expect(shown(3, 1)).toBe('28/02/2026 14:05:30');
  expect(shown(8, -1)).toBe('31/01/2025 14:05:30');
  expect(shown(12, 10)).toBe('01/02/2026 00:05:30');
  expect(shown(19, 30)).toBe('31/01/2026 14:06:00');
});
