// What a verification found: the same outcomes, codes and order as `nvr verify` (nvr/evidence/verify/report.py).

/** What is wrong, the gravest first: of several, the first one names the outcome. */
export const CHECK_KINDS = ['malformed', 'modified', 'missing', 'added', 'unsupported', 'unknown_key'] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];
export type VerdictName = 'valid' | CheckKind;
export type Values = Record<string, string | number>;

export interface CheckFinding {
  kind: CheckKind;
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
  findings: CheckFinding[];
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

export function add(report: Report, kind: CheckKind, where: string, code: string, values: Values = {}): void {
  report.findings.push({ kind, where, code, values });
}

export function outcome(report: Report): VerdictName {
  return CHECK_KINDS.find((kind) => report.findings.some((finding) => finding.kind === kind)) ?? 'valid';
}

export const signerKnown = (report: Report): boolean => report.signatures.some((signature) => signature.known);
