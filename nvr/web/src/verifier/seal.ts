// The `meta` box that seals an MP4 (ONVIF Export File Format), taken apart by the rules of nvr/evidence/seal/oeff.py:
// what is accepted is what that module makes, so no byte of it is without a meaning.

import { children, header, type Box } from './boxes';
import { BoxError, View, utf8 } from './bytes';
import { isoOfTicks, isoOfSeconds } from './times';

export const LARGEST_META_BYTES = 1 << 20;
const MOST_SIGNATURES = 64;
const S_1904 = 2_082_844_800n;

export interface SealSignature {
  start: number;
  end: number;
  signature: [begin: number, end: number];
  certificate: Uint8Array;
  remark: string;
  hasAlgorithm: boolean;
}

export interface Meta {
  unit: { name: string; operator: string; time: bigint; sources: { id: number; name: string }[] };
  ticks: bigint;
  ipro: number;
  signatures: SealSignature[];
}

/** When the export began, and the time of its first picture, UTC; throws where a year has no four figures. */
export const timesOf = (meta: Meta) => ({ made: isoOfSeconds(meta.unit.time), zero: isoOfTicks(meta.ticks) });

class Fields {
  private at: number;

  constructor(
    private readonly view: View,
    private readonly box: Box,
  ) {
    this.at = box.payload;
  }

  take(count: number): number {
    if (this.at + count > this.box.end) throw new BoxError(`${this.box.kind} ends too early`);
    this.at += count;
    return this.at - count;
  }

  u16 = (): number => this.view.u16(this.take(2));
  u32 = (): number => this.view.u32(this.take(4));

  u64(): bigint {
    const at = this.take(8);
    return (BigInt(this.view.u32(at)) << 32n) + BigInt(this.view.u32(at + 4));
  }

  text(): string {
    const end = this.view.data.indexOf(0, this.at);
    if (end < 0 || end >= this.box.end) throw new BoxError(`${this.box.kind} has a text that does not end`);
    const raw = this.view.slice(this.at, end);
    this.at = end + 1;
    try {
      return utf8(raw);
    } catch {
      throw new BoxError(`${this.box.kind} has a text that is not UTF-8`);
    }
  }

  version(version: number): void {
    if (this.u32() !== version << 24)
      throw new BoxError(`${this.box.kind} has a version or flags that this program does not know`);
  }

  finish(): void {
    if (this.at !== this.box.end) throw new BoxError(`${this.box.kind} has ${this.box.end - this.at} bytes too many`);
  }
}

function plain(box: Box): Box {
  if (box.payload - box.start !== 8) throw new BoxError(`${box.kind} has a size of 64 bits`);
  return box;
}

export function parseMeta(data: Uint8Array): Meta {
  const view = new View(data);
  const outer = header(view, 0, data.length);
  if (outer === null || outer.kind !== 'meta' || outer.end !== data.length) throw new BoxError('not a whole meta');
  new Fields(view, plain(outer)).version(0);
  const boxes = children(view, outer.payload + 4, outer.end).map(plain);
  const kinds = boxes.map((box) => box.kind).join(' ');
  if (kinds !== 'hdlr suep cstb ipro') throw new BoxError(`meta holds ${kinds}, not hdlr suep cstb ipro`);
  const [hdlr, suep, cstb, ipro] = boxes as [Box, Box, Box, Box];
  const named = view.slice(hdlr.payload + 4, hdlr.payload + 8);
  if (named.length !== 4 || named.some((byte) => byte !== 0)) throw new BoxError('hdlr is not one of a meta');
  const unit = parseUnit(new Fields(view, suep));
  const start = new Fields(view, cstb);
  if (start.u32() !== 1) throw new BoxError('cstb does not have exactly one entry');
  const [track, ticks] = [start.u32(), start.u64()];
  start.finish();
  if (!unit.sources.some((source) => source.id === track))
    throw new BoxError(`cstb names track ${track}, which suep does not`);
  const fields = new Fields(view, ipro);
  fields.version(0);
  if (fields.u16() !== 1) throw new BoxError('ipro’s protection_count is not 1');
  const signatures = children(view, ipro.payload + 6, ipro.end).map((box) => parseSinf(view, plain(box)));
  if (!(signatures.length >= 1 && signatures.length <= MOST_SIGNATURES))
    throw new BoxError(`there are ${signatures.length} signatures`);
  return { unit, ticks, ipro: ipro.start, signatures };
}

function parseUnit(fields: Fields): Meta['unit'] {
  fields.version(1);
  const name = fields.text();
  fields.text();
  fields.text();
  const time = fields.u64() - S_1904;
  const operator = fields.text();
  const count = fields.u32();
  if (count > 64) throw new BoxError(`suep declares ${count} tracks`);
  const sources = [];
  for (let number = 0; number < count; number++) {
    const id = fields.u16();
    sources.push({ id, name: fields.text() });
    for (let other = 0; other < 3; other++) fields.text();
  }
  fields.finish();
  return { name, operator, time, sources };
}

function parseSinf(view: View, sinf: Box): SealSignature {
  if (sinf.kind !== 'sinf') throw new BoxError(`ipro holds ${sinf.kind}, not only sinf`);
  const inner = children(view, sinf.payload, sinf.end).map(plain);
  if (inner.map((box) => box.kind).join(' ') !== 'schm schi') throw new BoxError('sinf does not hold schm and schi');
  const [schm, schi] = inner as [Box, Box];
  const scheme = new Fields(view, schm);
  scheme.version(0);
  if (view.kind(scheme.take(4)) !== 'oeff' || scheme.u32() !== 0x00010000)
    throw new BoxError('schm names a scheme that is not oeff 1.0');
  scheme.finish();
  const parts = new Map<string, Box>();
  for (const box of children(view, schi.payload, schi.end)) {
    if (!['sibo', 'cert', 'sigC', 'auib', 'cstb'].includes(box.kind) || parts.has(box.kind))
      throw new BoxError(`schi holds an unexpected ${box.kind}`);
    parts.set(box.kind, plain(box));
  }
  const [sibo, cert, auib] = [parts.get('sibo'), parts.get('cert'), parts.get('auib')];
  if (!sibo || !cert) throw new BoxError('schi lacks sibo or cert');
  let remark = '';
  if (auib) {
    const fields = new Fields(view, auib);
    remark = fields.text();
    fields.finish();
  }
  return {
    start: sinf.start,
    end: sinf.end,
    signature: [sibo.payload, sibo.end],
    certificate: view.slice(cert.payload, cert.end).slice(),
    remark,
    hasAlgorithm: parts.has('sigC'),
  };
}

/** `meta` as it stood when signature `number` (from 0) was made: without later ones and, if `zeroed`, without its own
 * bytes. */
export function signedView(data: Uint8Array, meta: Meta, number: number, zeroed: boolean): Uint8Array {
  const mine = meta.signatures[number]!;
  const view = data.slice(0, mine.end);
  if (zeroed) view.fill(0, ...mine.signature);
  const sizes = new DataView(view.buffer);
  for (const at of [0, meta.ipro]) sizes.setUint32(at, sizes.getUint32(at) + mine.end - data.length);
  return view;
}
