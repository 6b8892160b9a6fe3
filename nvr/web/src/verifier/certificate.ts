// X.509 certificates in plain DER, as far as exports use them: strictly, since `nvr verify` is strict too. Only RSA
// keys of 2048 to 4096 bits can have signed an export.

import { sha256 } from '@noble/hashes/sha2.js';
import { hex, latin, same, utf8 } from './bytes';

export class CertificateError extends Error {}

export interface CheckedCertificate {
  der: Uint8Array;
  fingerprint: string;
  subject: string;
  bits: number;
  notBefore: string;
  notAfter: string;
  modulus: Uint8Array;
  exponent: Uint8Array;
}

const LEAST_BITS = 2048;
const MOST_BITS = 4096;
const LARGEST_BYTES = 1 << 16;

interface Element {
  tag: number;
  body: Uint8Array;
  whole: Uint8Array;
}

const bad = (): never => {
  throw new CertificateError('it is not a certificate in DER');
};

/** The elements that fill the bytes. DER: lengths as short as can be. */
function elements(data: Uint8Array): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < data.length) {
    const start = at;
    const tag = data[at++]!;
    if ((tag & 0x1f) === 0x1f || at >= data.length) return bad();
    let length = data[at++]!;
    if (length & 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || at + count > data.length || data[at] === 0) return bad();
      length = 0;
      for (let byte = 0; byte < count; byte++) length = length * 256 + data[at++]!;
      if (length < 128) return bad();
    }
    if (at + length > data.length) return bad();
    found.push({ tag, body: data.subarray(at, at + length), whole: data.subarray(start, at + length) });
    at += length;
  }
  return found;
}

function one(data: Uint8Array, tag: number): Element {
  const [found, ...more] = elements(data);
  if (!found || more.length > 0 || found.tag !== tag) return bad();
  return found;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BITS = 0x03;
const OCTETS = 0x04;
const NULL = 0x05;
const OID = 0x06;

/** A whole number that is not negative, without its leading zeros. */
function natural(element: Element | undefined): Uint8Array {
  const body = integer(element);
  if (body[0]! & 0x80) return bad();
  return body[0] === 0 ? body.subarray(1) : body;
}

function integer(element: Element | undefined): Uint8Array {
  if (!element || element.tag !== INTEGER || element.body.length === 0) return bad();
  const [first, second] = element.body;
  if (second !== undefined && ((first === 0 && !(second & 0x80)) || (first === 0xff && second & 0x80))) return bad();
  return element.body;
}

function oid(element: Element | undefined): string {
  if (!element || element.tag !== OID || element.body.length === 0) return bad();
  let begins = true;
  for (const byte of element.body) {
    if (begins && byte === 0x80) return bad();
    begins = !(byte & 0x80);
  }
  if (!begins) return bad();
  return hex(element.body);
}

function algorithm(element: Element | undefined): string {
  if (!element || element.tag !== SEQUENCE) return bad();
  const parts = elements(element.body);
  if (parts.length < 1 || parts.length > 2) return bad();
  const name = oid(parts[0]);
  // Of RSA's own algorithms (PKCS #1), all but PSS and OAEP have NULL or nothing.
  const plain = name.startsWith('2a864886f70d0101') && !name.endsWith('0a') && !name.endsWith('07');
  const parameter = parts[1];
  if (plain && parameter && (parameter.tag !== NULL || parameter.body.length > 0)) return bad();
  if (name === '2a864886f70d01010a' && parameter && parameter.tag !== SEQUENCE) return bad();
  return name;
}

function bits(element: Element | undefined): Uint8Array {
  if (!element || element.tag !== BITS || element.body.length === 0) return bad();
  const [unused] = element.body as unknown as [number];
  const body = element.body.subarray(1);
  if (unused > 7 || (unused > 0 && body.length === 0)) return bad();
  if (unused > 0 && body[body.length - 1]! & ((1 << unused) - 1)) return bad();
  return body;
}

const COMMON_NAME = '550403';
/** As RFC 4514 has them. */
const SHORT: Record<string, string> = {
  [COMMON_NAME]: 'CN',
  '550407': 'L',
  '550408': 'ST',
  '55040a': 'O',
  '55040b': 'OU',
  '550406': 'C',
  '550409': 'STREET',
  '0992268993f22c640119': 'DC',
  '0992268993f22c640101': 'UID',
};

function dotted(body: string): string {
  const numbers: number[] = [];
  let value = 0;
  for (const pair of body.match(/../g) ?? []) {
    const byte = parseInt(pair, 16);
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (numbers.length === 0) {
      const first = Math.min(Math.floor(value / 40), 2);
      numbers.push(first, value - 40 * first);
    } else numbers.push(value);
    value = 0;
  }
  return numbers.join('.');
}

/** Checks a name, and returns its attributes. */
function nameOf(element: Element | undefined): [oid: string, value: Element][] {
  if (!element || element.tag !== SEQUENCE) return bad();
  const found: [string, Element][] = [];
  for (const set of elements(element.body)) {
    if (set.tag !== SET || set.body.length === 0) return bad();
    const attributes = elements(set.body);
    attributes.forEach((attribute, place) => {
      if (attribute.tag !== SEQUENCE) return bad();
      if (place > 0 && latin(attributes[place - 1]!.whole) > latin(attribute.whole)) return bad();
      const [kind, value, ...more] = elements(attribute.body);
      if (!value || more.length > 0) return bad();
      if (value.tag === BMP || value.tag === UNIVERSAL) text(value);
      found.push([oid(kind), value]);
    });
  }
  return found;
}

const TEXTS = [OCTETS, 0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a];
const BMP = 0x1e;
const UNIVERSAL = 0x1c;

function text(value: Element): string {
  if (value.tag === BMP || value.tag === UNIVERSAL) {
    const bytes = value.tag === BMP ? 2 : 4;
    if (value.body.length % bytes) return bad();
    const view = new DataView(value.body.buffer, value.body.byteOffset, value.body.byteLength);
    let found = '';
    for (let at = 0; at < value.body.length; at += bytes) {
      const letter = bytes === 2 ? view.getUint16(at) : view.getUint32(at);
      if (letter > 0x10ffff || (letter >= 0xd800 && letter < 0xe000)) return bad();
      found += String.fromCodePoint(letter);
    }
    return found;
  }
  if (!TEXTS.includes(value.tag)) return bad();
  try {
    return utf8(value.body);
  } catch {
    return bad();
  }
}

/** UTCTime or GeneralizedTime, as DER has them. */
function time(element: Element | undefined): string {
  const body = element ? latin(element.body) : '';
  const long = element?.tag === 0x18;
  if (!element || (!long && element.tag !== 0x17)) return bad();
  const found = (long ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
    body,
  );
  if (!found) return bad();
  const [, first, month, day, hour, minute, second] = found as unknown as string[];
  const year = long ? first! : `${Number(first) >= 50 ? '19' : '20'}${first}`;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = new Date(iso);
  // The 31st of February, and hours of 24, are none.
  if (Number.isNaN(at.getTime()) || at.toISOString() !== iso) return bad();
  return iso;
}

function bitsOf(modulus: Uint8Array): number {
  return modulus.length === 0 ? 0 : (modulus.length - 1) * 8 + (32 - Math.clz32(modulus[0]!));
}

/** Reads a certificate; throws `CertificateError` where it can't have signed an export. */
export function readCertificate(der: Uint8Array): CheckedCertificate {
  if (der.length > LARGEST_BYTES) throw new CertificateError('it is larger than any certificate');
  const outer = elements(one(der, SEQUENCE).body);
  if (outer.length !== 3 || outer[0]!.tag !== SEQUENCE) return bad();
  algorithm(outer[1]);
  bits(outer[2]);
  const fields = elements(outer[0]!.body);
  if (fields[0]?.tag === 0xa0) {
    const version = integer(elements(fields.shift()!.body)[0]);
    // Version 1 is what stands for nothing; 2 is what nobody knows.
    if (version.length !== 1 || version[0] === 0 || version[0]! > 2 || version[0] === 1) return bad();
  }
  integer(fields[0]);
  algorithm(fields[1]);
  nameOf(fields[2]);
  if (fields[3]?.tag !== SEQUENCE) return bad();
  const validity = elements(fields[3].body);
  if (validity.length !== 2) return bad();
  const [notBefore, notAfter] = [time(validity[0]), time(validity[1])];
  const subject = nameOf(fields[4]);
  for (const extra of fields.slice(6)) checkExtra(extra);
  const key = fields[5];
  if (!key || key.tag !== SEQUENCE) return bad();
  const parts = elements(key.body);
  if (parts.length !== 2) return bad();
  if (algorithm(parts[0]) !== '2a864886f70d010101') throw new CertificateError('it is not for an RSA key');
  const numbers = elements(one(bits(parts[1]), SEQUENCE).body);
  if (numbers.length !== 2) return bad();
  const [modulus, exponent] = [natural(numbers[0]), natural(numbers[1])];
  // An even exponent is no key's.
  if (!((exponent[exponent.length - 1] ?? 0) & 1) || (exponent.length === 1 && exponent[0]! < 3)) return bad();
  const size = bitsOf(modulus);
  if (size < LEAST_BITS || size > MOST_BITS)
    throw new CertificateError(`it has an RSA key of ${size} bits: ${LEAST_BITS} to ${MOST_BITS} are allowed`);
  const all = subject.map(([kind, value]) => `${SHORT[kind] ?? dotted(kind)}=${text(value)}`);
  const named = subject.filter(([kind]) => kind === COMMON_NAME).map(([, value]) => text(value));
  return {
    der,
    fingerprint: hex(sha256(der)),
    subject: named[0] ?? all.reverse().join(','),
    bits: size,
    notBefore,
    notAfter,
    modulus,
    exponent,
  };
}

/** Ids of issuer and subject, and extensions, whose form has to be right; what they say is not asked. */
function checkExtra(extra: Element): void {
  if (extra.tag === 0x81 || extra.tag === 0x82) {
    bits({ ...extra, tag: BITS });
    return;
  }
  if (extra.tag !== 0xa3) return bad();
  for (const extension of elements(one(extra.body, SEQUENCE).body)) {
    if (extension.tag !== SEQUENCE) return bad();
    const parts = elements(extension.body);
    oid(parts[0]);
    if (parts.length === 3) {
      const critical = parts[1]!;
      // False is what stands for nothing.
      if (critical.tag !== 0x01 || !same(critical.body, Uint8Array.of(0xff))) return bad();
    } else if (parts.length !== 2) return bad();
    if (parts[parts.length - 1]!.tag !== OCTETS) return bad();
  }
}

/** A certificate that somebody trusts, in DER or PEM. */
export function readAny(data: Uint8Array): CheckedCertificate {
  const pem = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
  const found = [...latin(data).matchAll(pem)];
  if (found.length > 1) throw new CertificateError(`the file holds ${found.length} certificates: one is needed`);
  const base64 = found[0]?.[1];
  if (base64 === undefined) return readCertificate(data);
  return readCertificate(Uint8Array.from(atob(base64.replace(/\s/g, '')), (letter) => letter.charCodeAt(0)));
}
