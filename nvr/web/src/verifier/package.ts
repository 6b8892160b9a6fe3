// Verifies the files of a package against its manifest, and the manifest against its signatures: as
// nvr/evidence/verify/package.py.

import { sha256 } from '@noble/hashes/sha2.js';
import type { Layout } from './archive';
import { CHUNK, Window, hex, joined, same, type Bytes } from './bytes';
import { CertificateError, readCertificate, type CheckedCertificate } from './certificate';
import { crc32 } from './crc32';
import {
  decodeManifest,
  MANIFEST,
  ManifestError,
  OtherVersion,
  SIGNATURE_FILE,
  type Listed,
  type Manifest,
} from './manifest';
import { checkMovie, type MovieResult } from './movie';
import { add, type CheckFinding, type Report, type Values } from './report';
import { verifies } from './rsa';
import { folderName, parseIso } from './times';

const LARGEST_MANIFEST_BYTES = 256 << 20;
const ALGORITHM = 'RSASSA-PSS, SHA-256, MGF1 SHA-256, salt 20';

export type Progress = (done: number, total: number) => void;

/** A package's files by name, of a folder or a ZIP. */
export interface Source {
  names: string[];
  /** What the container calls the package's folder, and when it says that its files were made; null: nothing. */
  folder: string | null;
  madeS: number | null;
  open(name: string): Bytes;
  crc32(name: string): number | null;
}

export function archiveSource(file: Bytes, layout: Layout): Source {
  const numbers = new Map(layout.entries.map((entry, number) => [entry.name, number]));
  return {
    names: layout.entries.map((entry) => entry.name),
    folder: layout.folder,
    madeS: layout.madeS,
    open(name) {
      const number = numbers.get(name)!;
      const begin = layout.offsets[number]! + layout.heads[number]!.length;
      return new Window(file, begin, layout.entries[number]!.size);
    },
    crc32: (name) => layout.entries[numbers.get(name)!]!.crc32,
  };
}

class Check {
  private done = 0;
  private readonly total: number;
  private readonly names: ReadonlySet<string>;

  constructor(
    readonly source: Source,
    readonly report: Report,
    readonly trusted: ReadonlySet<string>,
    private readonly progress: Progress,
  ) {
    this.names = new Set(source.names);
    this.total = source.names.reduce((sum, name) => sum + source.open(name).size, 0);
    report.files = source.names.length;
    report.bytes = this.total;
  }

  readonly has = (name: string): boolean => this.names.has(name);

  readonly count = (bytes: number): void => {
    this.done += bytes;
    this.progress(this.done, this.total);
  };

  /** All of a small file; its CRC-32 is compared with what the archive says. */
  read(name: string): Uint8Array {
    const file = this.source.open(name);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < file.size;) {
      const data = file.read(at, CHUNK).slice();
      if (data.length === 0) break;
      parts.push(data);
      at += data.length;
    }
    const data = joined(...parts);
    this.count(data.length);
    const said = this.source.crc32(name);
    if (said !== null && crc32(data) !== said) add(this.report, 'modified', name, 'crc');
    return data;
  }
}

/** Checks everything in `source`; findings go into `report`. */
export function checkPackage(source: Source, report: Report, trusted: ReadonlySet<string>, progress: Progress): void {
  const check = new Check(source, report, trusted, progress);
  if (!check.has(MANIFEST)) return add(report, 'missing', MANIFEST, 'no_manifest');
  if (source.open(MANIFEST).size > LARGEST_MANIFEST_BYTES) return add(report, 'malformed', MANIFEST, 'too_large');
  const data = check.read(MANIFEST);
  const { manifest, trouble } = decoded(data);
  if (manifest) {
    const kept = [
      'id',
      'made',
      'software',
      'unit',
      'request',
      'custody',
      'operation',
      'audit_head',
      'files',
      'cameras',
    ];
    report.about = Object.fromEntries(
      kept.filter((name) => name in manifest.whole).map((name) => [name, manifest.whole[name]]),
    );
  }
  const { certificates, isComplete } = checkSignatures(check, data, manifest?.signer.certificate ?? null);
  if (!manifest) {
    // A manifest that its signature does not fit was changed; what it became does not matter.
    if (trouble && !report.findings.some((finding) => finding.code === 'manifest_signature'))
      report.findings.push(trouble);
    return;
  }
  if (manifest.signer.algorithm !== ALGORITHM) add(report, 'unsupported', MANIFEST, 'algorithm');
  const made = parseIso(manifest.made);
  if (source.madeS !== null && source.madeS !== (made === null ? null : Math.floor(made / 1000)))
    add(report, 'malformed', 'the ZIP', 'bad_archive', {
      detail: 'its files carry another time than that at which the package was made',
    });
  if (source.folder !== null && manifest.id) {
    const expected = folderName(manifest.start, manifest.id);
    if (source.folder !== expected)
      add(report, 'modified', 'the ZIP', 'other_folder', { folder: source.folder, expected });
  }
  for (const file of manifest.files) {
    if (!check.has(file.name)) add(report, 'missing', file.name, 'file_missing');
    else if (file.kind === 'video') checkVideo(check, file, isComplete ? certificates : null);
    else checkFile(check, file);
  }
  const listed = new Set(manifest.files.map((file) => file.name));
  for (const name of source.names)
    if (!listed.has(name) && name !== MANIFEST && !SIGNATURE_FILE.test(name)) add(report, 'added', name, 'not_listed');
  note(report, manifest);
}

function decoded(data: Uint8Array): { manifest: Manifest | null; trouble: CheckFinding | null } {
  try {
    return { manifest: decodeManifest(data), trouble: null };
  } catch (error) {
    if (error instanceof OtherVersion) {
      const values = { version: error.message };
      return { manifest: null, trouble: { kind: 'unsupported', where: MANIFEST, code: 'manifest_version', values } };
    }
    if (!(error instanceof ManifestError)) throw error;
    const values = { detail: error.message.slice(0, 200) };
    return { manifest: null, trouble: { kind: 'malformed', where: MANIFEST, code: 'bad_manifest', values } };
  }
}

/** The certificates that are there, in order, up to the first that can't be used, and whether those are all; the
 * signatures that hold go into the report. */
function checkSignatures(
  check: Check,
  manifest: Uint8Array,
  expected: string | null,
): { certificates: CheckedCertificate[]; isComplete: boolean } {
  const { report } = check;
  const last = check.source.names.reduce(
    (most, name) => Math.max(most, Number(SIGNATURE_FILE.exec(name)?.[1] ?? 1)),
    1,
  );
  const before: Uint8Array[] = [];
  const certificates: CheckedCertificate[] = [];
  let holds = true;
  for (let number = 1; number <= last; number++) {
    const [sig, cert] = [`manifest.${number}.sig`, `manifest.${number}.der`];
    const missing = [sig, cert].filter((name) => !check.has(name));
    for (const name of missing) add(report, 'missing', name, 'file_missing');
    if (missing.length > 0) return { certificates, isComplete: false };
    const [signature, der] = [check.read(sig), check.read(cert)];
    // The first is over the manifest; a later one over the manifest, all before it, and its own certificate.
    const digest = sha256(number === 1 ? manifest : joined(manifest, ...before, der));
    before.push(signature, der);
    if (number === 1 && expected !== null && hex(sha256(der)) !== expected) {
      add(report, 'modified', cert, 'other_certificate');
      return { certificates, isComplete: false };
    }
    let certificate: CheckedCertificate;
    try {
      certificate = readCertificate(der);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      add(report, 'malformed', cert, 'bad_certificate', { detail: error.message });
      return { certificates, isComplete: false };
    }
    if (!verifies(certificate, digest, signature)) {
      add(report, 'modified', MANIFEST, 'manifest_signature', { number });
      holds = false;
    }
    certificates.push(certificate);
    if (holds) report.signatures.push(signed(number, certificate, '', check.trusted));
  }
  return { certificates, isComplete: true };
}

export function signed(number: number, certificate: CheckedCertificate, remark: string, trusted: ReadonlySet<string>) {
  const { fingerprint, subject, notBefore, notAfter } = certificate;
  return { number, fingerprint, subject, notBefore, notAfter, remark, known: trusted.has(fingerprint) };
}

function checkFile(check: Check, listed: Listed): void {
  const file = check.source.open(listed.name);
  const digest = sha256.create();
  let [crc, at] = [0, 0];
  while (at < file.size) {
    const data = file.read(at, CHUNK);
    if (data.length === 0) break;
    digest.update(data);
    crc = crc32(data, crc);
    at += data.length;
    check.count(data.length);
  }
  const said = check.source.crc32(listed.name);
  if (at !== listed.size || hex(digest.digest()) !== listed.sha256)
    add(check.report, 'modified', listed.name, 'hash', { size: at, expected_size: listed.size });
  else if (said !== null && said !== crc) add(check.report, 'modified', listed.name, 'crc');
}

function checkVideo(check: Check, listed: Listed, certificates: CheckedCertificate[] | null): void {
  const { report, source } = check;
  const boundaries = listed.segments.map((segment) => segment.fileBytes[1]);
  const result = checkMovie(source.open(listed.name), boundaries, check.count);
  const { trouble } = result;
  // Without a seal there is no telling what was added later.
  const size = result.firstSha256 === null ? result.size : result.firstSize;
  const hash = result.firstSha256 ?? result.sha256;
  const said = source.crc32(listed.name);
  if (size !== listed.size || hash !== listed.sha256)
    return add(report, 'modified', listed.name, 'video_modified', where(listed, result));
  if (trouble)
    // What was exported is in order, so it is a later signature or what follows.
    return add(report, trouble.kind, `${listed.name}, byte ${trouble.at}`, trouble.code, { detail: trouble.detail });
  if (certificates) {
    const [have, needed] = [result.certificates, certificates];
    if (have.length !== needed.length || have.some((one, at) => !same(one.der, needed[at]!.der))) {
      const kind = have.length < needed.length ? 'missing' : have.length > needed.length ? 'added' : 'modified';
      return add(report, kind, listed.name, 'other_signatures', { have: have.length, need: needed.length });
    }
  }
  if (said !== null && said !== result.crc32) return add(report, 'modified', listed.name, 'crc');
  report.videos.push(listed.name);
  result.meta?.signatures.forEach(({ remark }, at) => {
    const holding = report.signatures[at];
    if (holding && remark && !holding.remark) holding.remark = remark;
  });
}

/** The first place at which the file differs, as far as the running CRC-32s say. */
function where(listed: Listed, result: MovieResult): Values {
  const { trouble } = result;
  const detail = trouble ? `${trouble.code}: ${trouble.detail} (byte ${trouble.at})` : '';
  const values = { size: result.size, expected_size: listed.size, detail };
  const { segments } = listed;
  if (result.initSha256 !== listed.initSha256) {
    const first = segments[0]?.fileBytes[0] ?? listed.size;
    return { first: 0, last: first - 1, start: '-', end: '-', ...values };
  }
  for (const segment of segments) {
    const [begin, end] = segment.fileBytes;
    const crc = result.crcs.get(end);
    if (crc === undefined || crc.toString(16).padStart(8, '0') !== segment.crc32)
      return { first: begin, last: end - 1, start: segment.start, end: segment.end, ...values };
  }
  const seal = segments[segments.length - 1]?.fileBytes[1] ?? 0;
  return { first: seal, last: Math.max(result.size, listed.size) - 1, start: '-', end: '-', ...values };
}

function note(report: Report, manifest: Manifest): void {
  for (const file of manifest.files)
    for (const { matches, start, end } of file.segments)
      if (matches === false) report.notes.push({ where: file.name, code: 'not_as_recorded', values: { start, end } });
  for (const { camera, start, end, detail } of manifest.notDelivered)
    report.notes.push({ where: camera, code: 'not_delivered', values: { start, end, detail } });
}
