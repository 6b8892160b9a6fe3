// The verdicts of this verifier on whatever files a list names, beside those that `nvr verify` gave: the list and the
// files are made by tests/evidence/verify/test_browser.py, which runs this.

import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Bytes } from './bytes';
import { crc32 } from './crc32';
import { verifyFile, verifyFolder, type ChosenFile } from './check';
import { outcome, type Report } from './report';

interface Wanted {
  name: string;
  path: string;
  trusted: string[];
  outcome: string;
  findings: [kind: string, where: string, code: string][];
  signatures: [fingerprint: string, known: boolean, subject: string][];
}

class FileBytes implements Bytes {
  readonly size: number;
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'r');
    this.size = fstatSync(this.file).size;
  }

  read(at: number, count: number): Uint8Array {
    const data = new Uint8Array(Math.max(Math.min(count, this.size - at), 0));
    let done = 0;
    while (done < data.length) done += readSync(this.file, data, done, data.length - done, at + done);
    return data;
  }

  close(): void {
    closeSync(this.file);
  }
}

function listed(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));
}

function verified(wanted: Wanted): Report {
  const open: FileBytes[] = [];
  const chosen = (path: string, name: string): ChosenFile => {
    open.push(new FileBytes(path));
    return { name, bytes: open[open.length - 1]! };
  };
  const trusted = new Set(wanted.trusted);
  try {
    return statSync(wanted.path).isDirectory()
      ? verifyFolder(
          listed(wanted.path).map((name) => chosen(join(wanted.path, name), name)),
          trusted,
        )
      : verifyFile(chosen(wanted.path, basename(wanted.path)), trusted);
  } finally {
    for (const one of open) one.close();
  }
}

const list = process.env['NVR_VERDICTS'];
const all = list ? (JSON.parse(readFileSync(list, 'utf8')) as Wanted[]) : [];

describe.skipIf(!list)('as nvr verify', () => {
  test.each(all.map((one) => [one.name, one] as const))('%s', (_, wanted) => {
    const report = verified(wanted);
    const found = report.findings.map((finding) => [finding.kind, finding.where, finding.code]);
    expect({ outcome: outcome(report), findings: found }).toEqual({
      outcome: wanted.outcome,
      findings: wanted.findings,
    });
    const signatures = report.signatures.map(({ fingerprint, known, subject }) => [fingerprint, known, subject]);
    expect(signatures).toEqual(wanted.signatures);
  });
});

test('CRC-32 of the check string', () => {
  expect(crc32(new TextEncoder().encode('123456789')).toString(16)).toBe('cbf43926');
  const data = Uint8Array.from({ length: 1003 }, (_, at) => (at * 7) & 0xff);
  expect(crc32(data.subarray(500), crc32(data.subarray(0, 500)))).toBe(crc32(data));
});
