// Cameras chosen by their labels: what was chosen as chips, as the server's query, and the labels that there are. Pure.
// Invariant: what `queryOf` writes, the server reads as these terms.

import { fleetLabels, type FleetRow } from '../../shared/fleet';

/** The label is one of these values. */
export interface Term {
  label: string;
  values: readonly string[];
}

export interface LabelTerms {
  /** A camera has all of these. */
  having: readonly Term[];
  /** And none of these. */
  without: readonly Term[];
  /** Every camera there is, but for those left out. */
  all: boolean;
}

export const NO_LABELS: LabelTerms = { having: [], without: [], all: false };

/** The label that names one camera. */
export const BY_CAMERA = 'id';

/** With one more value: of the same label it is this or that. */
export function withTerm(terms: readonly Term[], label: string, value: string): Term[] {
  const same = terms.find((term) => term.label === label);
  if (!same) return [...terms, { label, values: [value] }];
  if (same.values.includes(value)) return [...terms];
  return terms.map((term) => (term === same ? { label, values: [...term.values, value] } : term));
}

function quoted(value: string): string {
  return /[,|=!:]/.test(value) ? `"${value}"` : value;
}

/** '' while nothing is chosen. */
export function labelQuery({ having, without, all }: LabelTerms): string {
  const said = (mark: string) => (term: Term) => `${term.label}${mark}${term.values.map(quoted).join('|')}`;
  if (having.length === 0 && !all) return '';
  return [...having.map(said('=')), ...without.map(said('!='))].join(',') || '*';
}

/** A term typed in full, such as "district=Genuk" or "isp: Telkom", as the cameras spell it; null: it is none. */
export function typedTerm(text: string, rows: readonly FleetRow[]): { label: string; value: string } | null {
  const parts = /^\s*([^=:!",|]+?)\s*[=:]\s*([^"]+?)\s*$/.exec(text);
  if (!parts) return null;
  const [label, value] = [parts[1]!, parts[2]!];
  const same = (a: string, b: string): boolean => a.toLocaleLowerCase() === b.toLocaleLowerCase();
  for (const row of rows)
    for (const [name, has] of Object.entries(row.labels))
      if (same(name, label) && same(has, value)) return { label: name, value: has };
  return { label, value };
}

/** Labels whose name or value has every word, those of the most cameras first. */
export function offeredTerms(
  words: readonly string[],
  rows: readonly FleetRow[],
  most: number,
): Array<{ label: string; value: string; cameras: number }> {
  return fleetLabels(rows)
    .filter(({ label, value }) => {
      const text = `${label} ${value}`.toLocaleLowerCase();
      return !value.includes('"') && words.every((word) => text.includes(word));
    })
    .slice(0, most);
}
