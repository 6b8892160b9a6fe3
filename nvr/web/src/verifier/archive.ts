// A package's ZIP: stored, ZIP64 throughout, in exactly one form. What is accepted is what
// nvr/evidence/package/archive.py makes, byte for byte; anything else is refused and not put right, since an archive
// that two programs read differently is no evidence.

import { View, joined, latin, same, type Bytes } from './bytes';

export class ArchiveError extends Error {
  constructor(
    readonly where: string,
    readonly why: string,
  ) {
    super(`${where}: ${why}`);
  }
}

export interface ZipEntry {
  name: string;
  size: number;
  crc32: number;
}

export interface Layout {
  folder: string;
  entries: ZipEntry[];
  /** Seconds since 1970 that its files carry; null if they carry none. */
  madeS: number | null;
  heads: Uint8Array[];
  offsets: number[];
  directoryAt: number;
  end: Uint8Array;
  size: number;
}

const ALL_ONES = 0xffffffff;
const MODE = (0o100644 << 16) >>> 0;
const END = 22;
const LOCATOR = 20;
const END64 = 56;
const CENTRAL = 46;
const MOST_ENTRIES = 100_000;
const MOST_BYTES = 2 ** 46;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/** Whether a package may have a file or a folder of this name: nothing that any system takes for a path. */
export const isPackageName = (name: string): boolean => NAME.test(name) && !/[. ]$/.test(name);

/** Little-endian fields, of 2, 4 or 8 bytes each. */
function packed(...fields: [bytes: 1 | 2 | 4 | 8, value: number][]): Uint8Array {
  const data = new Uint8Array(fields.reduce((sum, [bytes]) => sum + bytes, 0));
  const view = new DataView(data.buffer);
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 1) view.setUint8(at, value);
    else if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return data;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function times(madeS: number | null): [clock: number, date: number, field: Uint8Array] {
  if (madeS === null) return [0, 0x0021, new Uint8Array(0)];
  const at = new Date(Math.min(Math.max(madeS, 315_532_800), ALL_ONES) * 1000);
  return [
    (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    // Years after 2107 don't fit, as they don't for whoever writes it.
    ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    packed([2, 0x5455], [2, 5], [1, 1], [4, Math.min(Math.max(madeS, 0), ALL_ONES)]),
  ];
}

/** Where everything stands in the archive of such a package. */
export function layoutOf(folder: string, entries: ZipEntry[], madeS: number | null): Layout {
  const [clock, date, time] = times(madeS);
  const heads: Uint8Array[] = [];
  const offsets: number[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = ascii(`${folder}/${entry.name}`);
    const extra = joined(packed([2, 1], [2, 16], [8, entry.size], [8, entry.size]), time);
    const head = packed(
      [4, 0x04034b50],
      [2, 45],
      [2, 0x0800],
      [2, 0],
      [2, clock],
      [2, date],
      [4, entry.crc32],
      [4, ALL_ONES],
      [4, ALL_ONES],
      [2, name.length],
      [2, extra.length],
    );
    offsets.push(at);
    heads.push(joined(head, name, extra));
    const more = joined(packed([2, 1], [2, 24], [8, entry.size], [8, entry.size], [8, at]), time);
    central.push(
      packed(
        [4, 0x02014b50],
        [2, (3 << 8) | 45],
        [2, 45],
        [2, 0x0800],
        [2, 0],
        [2, clock],
        [2, date],
        [4, entry.crc32],
        [4, ALL_ONES],
        [4, ALL_ONES],
        [2, name.length],
        [2, more.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, MODE],
        [4, ALL_ONES],
      ),
      name,
      more,
    );
    at += heads[heads.length - 1]!.length + entry.size;
  }
  const directory = joined(...central);
  const count = entries.length;
  const end = joined(
    directory,
    packed(
      [4, 0x06064b50],
      [8, END64 - 12],
      [2, (3 << 8) | 45],
      [2, 45],
      [4, 0],
      [4, 0],
      [8, count],
      [8, count],
      [8, directory.length],
      [8, at],
    ),
    packed([4, 0x07064b50], [4, 0], [8, at + directory.length], [4, 1]),
    packed([4, 0x06054b50], [2, 0], [2, 0], [2, 0xffff], [2, 0xffff], [4, ALL_ONES], [4, ALL_ONES], [2, 0]),
  );
  return { folder, entries, madeS, heads, offsets, directoryAt: at, end, size: at + end.length };
}

/** Reads names, sizes and CRC-32s, and compares every other byte of the archive's structure with what it has to be. */
export function readArchive(file: Bytes): Layout {
  const { at, directory, count } = directoryOf(file);
  const layout = parse(directory, count);
  if (layout.directoryAt !== at || layout.size !== file.size)
    throw new ArchiveError(
      'ZIP',
      'its files do not fill it exactly: there is something before, between or behind them',
    );
  if (!same(file.read(at, file.size - at), layout.end))
    throw new ArchiveError('ZIP directory', 'is not as this program writes it');
  layout.heads.forEach((head, number) => {
    if (!same(file.read(layout.offsets[number]!, head.length), head))
      throw new ArchiveError(layout.entries[number]!.name, 'its header in the ZIP contradicts the ZIP’s directory');
  });
  return layout;
}

function directoryOf(file: Bytes): { at: number; directory: Uint8Array; count: number } {
  const read = (at: number, count: number) => (at < 0 ? new Uint8Array(0) : file.read(at, count));
  const where = 'end of the ZIP';
  const end = read(file.size - END, END);
  if (end.length < END || latin(end.subarray(0, 4)) !== 'PK\x05\x06' || end[20] !== 0 || end[21] !== 0)
    throw new ArchiveError(where, 'there is no end record: cut off, or something was appended');
  const locator = read(file.size - END - LOCATOR, LOCATOR);
  if (latin(locator.subarray(0, 4)) !== 'PK\x06\x07')
    throw new ArchiveError(where, 'was not written by this program: it has no ZIP64 records');
  const place = new View(locator, true).u64(8);
  if (place !== file.size - END - LOCATOR - END64)
    throw new ArchiveError(where, 'its records are not one behind the other');
  const raw = read(place, END64);
  if (raw.length < END64) throw new ArchiveError(where, 'does not say where its directory is');
  const fields = new View(raw, true);
  const [count, length, at] = [fields.u64(24), fields.u64(40), fields.u64(48)];
  if (fields.u32(0) !== 0x06064b50 || at + length !== place || count > MOST_ENTRIES || length > count * 1000)
    throw new ArchiveError(where, 'does not say where its directory is');
  return { at, directory: read(at, length).slice(), count };
}

/** As Python shows a text, near enough to be read. */
const shown = (name: string): string => `'${name.replace(/\\/g, '\\\\')}'`;

function parse(directory: Uint8Array, count: number): Layout {
  const view = new View(directory, true);
  let at = 0;
  let folder: string | null = null;
  let made: number | null = null;
  const entries: ZipEntry[] = [];
  const seen = new Set<string>();
  while (at < directory.length) {
    const where = `entry ${entries.length + 1} of the ZIP`;
    if (at + CENTRAL > directory.length) throw new ArchiveError(where, 'is cut off');
    const begin = at;
    const [crc, nameBytes, extraBytes] = [view.u32(begin + 16), view.u16(begin + 28), view.u16(begin + 30)];
    at += CENTRAL;
    const name = latin(view.slice(at, at + nameBytes)).replace(
      /[\x80-\xff]/g,
      (letter) => `\\x${letter.charCodeAt(0).toString(16)}`,
    );
    const extra = view.slice(at + nameBytes, at + nameBytes + extraBytes);
    at += nameBytes + extraBytes;
    const slash = name.indexOf('/');
    const [first, last] = slash < 0 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1)];
    if (/^[/\\]/.test(name) || name.includes(':') || name.replace(/\\/g, '/').split('/').includes('..'))
      throw new ArchiveError(where, `the name ${shown(name)} leads out of the package`);
    if (!isPackageName(first) || !isPackageName(last) || (folder !== null && folder !== first))
      throw new ArchiveError(where, `no package has a file named ${shown(name)}`);
    if (view.u16(begin + 10) !== 0) throw new ArchiveError(name, 'is compressed; files of a package are stored');
    if (view.u32(begin + 38) !== MODE)
      throw new ArchiveError(name, 'is not marked as a plain file: a link or a folder');
    if (seen.has(last.toLowerCase())) throw new ArchiveError(name, 'is in the ZIP twice');
    if (extra.length === 37) made = new View(extra, true).u32(33);
    else if (extra.length !== 28) throw new ArchiveError(name, 'has fields that this program does not write');
    folder = first;
    seen.add(last.toLowerCase());
    const size = new View(extra, true).u64(4);
    entries.push({ name: last, size, crc32: crc });
    if (size > MOST_BYTES) throw new ArchiveError(name, 'declares more bytes than any disk has');
  }
  if (folder === null || entries.length !== count)
    throw new ArchiveError('ZIP directory', `has ${entries.length} entries, and its end says ${count}`);
  return layoutOf(folder, entries, made);
}
