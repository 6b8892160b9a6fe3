// Times as packages write them: ISO 8601, UTC, to the microsecond.

const S_1601 = 11_644_473_600n;
const FIRST_US = -62_135_596_800_000_000n; // the year 1
const LAST_US = 253_402_300_800_000_000n; // the year 10000

function isoOfMicros(us: bigint): string {
  if (us < FIRST_US || us >= LAST_US) throw new RangeError('a time beyond the calendar');
  const second = us >= 0n ? us / 1_000_000n : -((-us + 999_999n) / 1_000_000n);
  const date = new Date(Number(second) * 1000);
  const day = date.toISOString().slice(0, 19);
  return `${day}.${String(us - second * 1_000_000n).padStart(6, '0')}Z`;
}

export const isoOfSeconds = (seconds: bigint): string => isoOfMicros(seconds * 1_000_000n);

/** Ticks are of 100 ns, since 1601. */
export const isoOfTicks = (ticks: bigint): string => isoOfMicros(ticks / 10n - S_1601 * 1_000_000n);

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970, rounded down; null for what is no time with a zone. */
export function parseIso(text: string): number | null {
  const found = ISO.exec(text);
  if (!found) return null;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone] = found;
  const ms = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`,
  );
  return Number.isNaN(ms) ? null : ms;
}

/** The name of the folder of an export's package, which begins at this time; '' where that is no time. */
export function folderName(start: string, id: string): string {
  const ms = parseIso(start);
  if (ms === null) return '';
  return `export-${new Date(ms).toISOString().replace(/[-:]/g, '')}-${id}`;
}
