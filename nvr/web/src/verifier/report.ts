// What a verification found: the same outcomes, codes and order as `nvr verify` (nvr/evidence/verify/report.py).

/** What is wrong, the gravest first: of several, the first one names the outcome. */
export const KINDS = ['malformed', 'modified', 'missing', 'added', 'unsupported', 'unknown_key'] as const;
export type Kind = (typeof KINDS)[number];
export type Outcome = 'valid' | Kind;
export type Values = Record<string, string | number>;

export interface Finding {
  kind: Kind;
  where: string;
  code: string;
  values: Values;
}

/** A signature that holds, over everything: 1 is the exporter's, later ones are counter-signatures. */
export interface Signature {
  number: number;
  fingerprint: string;
  subject: string;
  notBefore: string;
  notAfter: string;
  remark: string;
  known: boolean;
}

export interface Note {
  where: string;
  code: string;
  values: Values;
}

export interface Report {
  form: 'directory' | 'zip' | 'mp4';
  pinned: boolean;
  findings: Finding[];
  signatures: Signature[];
  notes: Note[];
  about: Record<string, unknown>;
  files: number;
  bytes: number;
  /** Names of the videos that were found as they were signed, in order. */
  videos: string[];
}

export function newReport(form: Report['form'], pinned: boolean): Report {
  return { form, pinned, findings: [], signatures: [], notes: [], about: {}, files: 0, bytes: 0, videos: [] };
}

export function add(report: Report, kind: Kind, where: string, code: string, values: Values = {}): void {
  report.findings.push({ kind, where, code, values });
}

export function outcome(report: Report): Outcome {
  return KINDS.find((kind) => report.findings.some((finding) => finding.kind === kind)) ?? 'valid';
}

export const signerKnown = (report: Report): boolean => report.signatures.some((signature) => signature.known);
