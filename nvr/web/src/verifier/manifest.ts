// What verification needs of a manifest; there is more in it, for people. By the rules of
// nvr/evidence/verify/package.py.

import { isPackageName } from './archive';
import { parseJson, JsonError } from './json';

export const MANIFEST = 'manifest.json';
export const SIGNATURE_FILE = /^manifest\.([1-9]\d?)\.(sig|der)$/;
const FORMAT = 'nvr-export';
const VERSION = 1;

export interface Segment {
  start: string;
  end: string;
  fileBytes: [begin: number, end: number];
  crc32: string;
  matches: boolean | null;
}

export interface Listed {
  name: string;
  kind: string;
  size: number;
  sha256: string;
  initSha256: string | null;
  segments: Segment[];
}

export interface Manifest {
  signer: { certificate: string; algorithm: string };
  files: Listed[];
  notDelivered: { camera: string; start: string; end: string; detail: string }[];
  made: string;
  id: string;
  start: string;
  whole: Record<string, unknown>;
}

/** A manifest of another version. */
export class OtherVersion extends Error {}

/** Not a manifest of this form. */
export class ManifestError extends Error {}

type Fields = Record<string, unknown>;

const fail = (what: string): never => {
  throw new ManifestError(what);
};
const object = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : fail('an object is needed');
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : fail('a list is needed'));
function text(fields: Fields, name: string, other?: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : other;
  return typeof value === 'string' ? value : fail(`${name} has to be a text`);
}
function whole(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : fail('a whole number is needed');
}

export function decodeManifest(data: Uint8Array): Manifest {
  let all: Fields;
  try {
    // A mark of the order of bytes in front of it is allowed, as Python allows it.
    all = object(parseJson(new TextDecoder('utf-8', { fatal: true }).decode(data)));
  } catch (error) {
    if (error instanceof JsonError || error instanceof TypeError) return fail(error.message);
    throw error;
  }
  if (all['format'] !== FORMAT) fail('it is not the manifest of an export');
  if (all['version'] !== VERSION) throw new OtherVersion(String(all['version'] ?? 'None').slice(0, 20));
  const signer = object(all['signer']);
  const request = Object.hasOwn(all, 'request') ? object(all['request']) : {};
  const manifest: Manifest = {
    signer: { certificate: text(signer, 'certificate_sha256'), algorithm: text(signer, 'algorithm') },
    files: list(all['files']).map(listed),
    notDelivered: list(all['cameras']).flatMap(notDelivered),
    made: text(all, 'made', ''),
    id: text(all, 'id', ''),
    start: text(request, 'start', ''),
    whole: all,
  };
  const names = manifest.files.map((file) => file.name.toLowerCase());
  if (new Set(names).size !== names.length) fail('it names a file twice');
  for (const { name } of manifest.files)
    if (!isPackageName(name) || name === MANIFEST || SIGNATURE_FILE.test(name))
      fail(`it names a file ${name.slice(0, 80)}, which no package can have`);
  return manifest;
}

function listed(value: unknown): Listed {
  const fields = object(value);
  const init = fields['init_sha256'] ?? null;
  if (init !== null && typeof init !== 'string') return fail('init_sha256 has to be a text');
  return {
    name: text(fields, 'name'),
    kind: text(fields, 'kind'),
    size: whole(fields['size']),
    sha256: text(fields, 'sha256'),
    initSha256: init,
    segments: Object.hasOwn(fields, 'segments') ? list(fields['segments']).map(segment) : [],
  };
}

function segment(value: unknown): Segment {
  const fields = object(value);
  const delivered = object(fields['delivered']);
  const bytes = list(fields['file_bytes']);
  if (bytes.length !== 2) fail('file_bytes has to be two numbers');
  const matches = fields['matches'];
  if (typeof matches !== 'boolean' && matches !== null) return fail('matches has to be true, false or null');
  return {
    start: text(delivered, 'start'),
    end: text(delivered, 'end'),
    fileBytes: [whole(bytes[0]), whole(bytes[1])],
    crc32: text(fields, 'file_crc32'),
    matches,
  };
}

function notDelivered(value: unknown): Manifest['notDelivered'] {
  const fields = object(value);
  const camera = text(fields, 'id');
  text(fields, 'name');
  const lost = Object.hasOwn(fields, 'not_delivered') ? list(fields['not_delivered']) : [];
  return lost.map((one) => {
    const each = object(one);
    text(each, 'code');
    return { camera, start: text(each, 'start'), end: text(each, 'end'), detail: text(each, 'detail') };
  });
}
