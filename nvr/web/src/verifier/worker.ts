// The check itself, apart from the page: files are read here, a slice at a time, and what is done is told four times a
// second.

import { BlobBytes, ReadError } from './bytes';
import { readAny, CertificateError } from './certificate';
import { verifyFile, verifyFolder } from './check';
import { outcome, type VerdictName, type Report } from './report';

export interface Asked {
  /** A file each, or all of a folder's, whose names are paths from that folder on. */
  files: { name: string; file: File }[];
  isFolder: boolean;
  fingerprints: string[];
  certificate: File | null;
}

export type Told =
  | { kind: 'progress'; done: number; total: number }
  | { kind: 'report'; report: Report; outcome: VerdictName; seconds: number }
  | { kind: 'failed'; why: 'read' | 'certificate' | 'memory'; detail: string };

const EVERY_MS = 250;

declare const FileReaderSync: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer };

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Asked>) => void) | null;
  postMessage(told: Told): void;
};

scope.onmessage = ({ data: asked }) => {
  try {
    scope.postMessage(verified(asked));
  } catch (error) {
    const why = error instanceof CertificateError ? 'certificate' : error instanceof RangeError ? 'memory' : 'read';
    scope.postMessage({ kind: 'failed', why, detail: error instanceof Error ? error.message : String(error) });
  }
};

function verified({ files, isFolder, fingerprints, certificate }: Asked): Told {
  const reader = new FileReaderSync();
  const read = (blob: Blob): ArrayBuffer => {
    try {
      return reader.readAsArrayBuffer(blob);
    } catch (error) {
      throw new ReadError(error instanceof Error ? error.message : String(error));
    }
  };
  const trusted = new Set(fingerprints);
  if (certificate) trusted.add(readAny(new Uint8Array(read(certificate))).fingerprint);
  const began = performance.now();
  let last = began;
  const progress = (done: number, total: number): void => {
    const now = performance.now();
    if (now - last < EVERY_MS) return;
    last = now;
    scope.postMessage({ kind: 'progress', done, total });
  };
  const chosen = files.map(({ name, file }) => ({ name, bytes: new BlobBytes(file, { readAsArrayBuffer: read }) }));
  const report = isFolder ? verifyFolder(chosen, trusted, progress) : verifyFile(chosen[0]!, trusted, progress);
  return { kind: 'report', report, outcome: outcome(report), seconds: (performance.now() - began) / 1000 };
}
