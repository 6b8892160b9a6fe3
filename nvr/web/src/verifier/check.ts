// Verifies a package's ZIP, its folder, or one sealed MP4: what `nvr verify` does, with the same verdict.

import { ArchiveError, isPackageName, readArchive } from './archive';
import { latin, ReadError, type Bytes } from './bytes';
import { checkMovie } from './movie';
import { archiveSource, checkPackage, signed, type Progress } from './package';
import { add, newReport, outcome, signerKnown, type Report } from './report';
import { timesOf } from './seal';

export interface ChosenFile {
  /** The file's name; in a folder its path, from that folder on. */
  name: string;
  bytes: Bytes;
}

/** `trusted`: fingerprints of certificates, hexadecimal; without any, what holds may have been signed by anybody, and
 * the report says so. */
export function verifyFile(
  file: ChosenFile,
  trusted: ReadonlySet<string>,
  progress: Progress = () => undefined,
): Report {
  const { bytes, name } = file;
  const start = latin(bytes.read(0, 4).slice());
  const end = latin(bytes.read(Math.max(bytes.size - 22, 0), 4).slice());
  const isZip = start === 'PK\x03\x04' || end === 'PK\x05\x06' || name.toLowerCase().endsWith('.zip');
  const report = newReport(isZip ? 'zip' : 'mp4', trusted.size > 0);
  named(report, name, () => {
    if (!isZip) return checkSingle(report, file, trusted, progress);
    try {
      checkPackage(archiveSource(bytes, readArchive(bytes)), report, trusted, progress);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      add(report, 'malformed', error.where, 'bad_archive', { detail: error.why });
    }
  });
  return pinned(report);
}

/** `files`: all of a folder's, with those of folders in it. */
export function verifyFolder(
  files: ChosenFile[],
  trusted: ReadonlySet<string>,
  progress: Progress = () => undefined,
): Report {
  const report = newReport('directory', trusted.size > 0);
  const plain = new Map<string, Bytes>();
  const folders = new Set<string>();
  for (const { name, bytes } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const [first, inner] = name.split('/') as [string, string | undefined];
    if (inner !== undefined) {
      if (!folders.has(first)) add(report, 'added', first, 'not_a_file');
      folders.add(first);
    } else if (!isPackageName(name)) add(report, 'added', name, 'not_listed');
    else plain.set(name, bytes);
  }
  const source = {
    names: [...plain.keys()],
    folder: null,
    madeS: null,
    open: (name: string) => plain.get(name)!,
    crc32: () => null,
  };
  named(report, 'folder', () => checkPackage(source, report, trusted, progress));
  return pinned(report);
}

/** Whoever damages a package must not get a page that falls over in the place of a verdict. */
function named(report: Report, where: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof ReadError) throw error;
    add(report, 'malformed', where, 'not_understood', { detail: error instanceof Error ? error.name : 'Error' });
  }
}

function pinned(report: Report): Report {
  const [first] = report.signatures;
  if (report.pinned && first && !signerKnown(report) && outcome(report) === 'valid')
    add(report, 'unknown_key', first.subject, 'unknown_key', { fingerprint: first.fingerprint });
  return report;
}

function checkSingle(report: Report, file: ChosenFile, trusted: ReadonlySet<string>, progress: Progress): void {
  let done = 0;
  const result = checkMovie(file.bytes, [], (count) => progress((done += count), file.bytes.size));
  report.files = 1;
  report.bytes = result.size;
  const { trouble, meta } = result;
  if (trouble) {
    add(report, trouble.kind, `${file.name}, byte ${trouble.at}`, trouble.code, { detail: trouble.detail });
    return;
  }
  const times = timesOf(meta!);
  report.about = {
    unit: meta!.unit.name,
    operator: meta!.unit.operator,
    made: times.made,
    media_time_zero: times.zero,
    sources: meta!.unit.sources.map((source) => source.name),
    sha256: result.sha256,
  };
  report.videos.push(file.name);
  result.certificates.forEach((certificate, at) =>
    report.signatures.push(signed(at + 1, certificate, meta!.signatures[at]!.remark, trusted)),
  );
}
