"""The ``meta`` box that seals an MP4, as the ONVIF Export File Format has it: making one, adding a signature to one,
taking one apart.

Pure functions over bytes. ``meta`` is the last box of a file; its children are ``hdlr suep cstb ipro``, and ``ipro``
holds one ``sinf`` a signature, oldest first. Invariant: what ``parse_meta`` takes apart is exactly what this module
makes, byte for byte, so no byte of a ``meta`` is without a meaning.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from storage.format.boxes import Box, BoxError, children, header

__all__ = [
    "LARGEST_META_BYTES",
    "ExportUnit",
    "Meta",
    "SealSource",
    "Signature",
    "append_signature",
    "make_meta",
    "parse_meta",
    "signed_view",
]

LARGEST_META_BYTES = 1 << 20
"""A ``meta`` holds names, times and a few signatures; one larger than this is damage."""

_S_1904 = 2_082_844_800
_S_1601 = 11_644_473_600
_SCHEME = b"oeff"
_SCHEME_VERSION = 0x0001_0000
_MOST_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class SealSource:
    """Where a track comes from."""

    track_id: int
    name: str
    url: str = ""
    mac: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class ExportUnit:
    """Who exported. ``time_s``: when the export began, seconds since the Unix epoch."""

    name: str
    time_s: int
    operator: str
    sources: tuple[SealSource, ...]
    url: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """One ``sinf``: where the signature's bytes stand in ``meta``, the certificate (DER), the signer's remark, and
    where the box begins and ends."""

    start: int
    end: int
    signature: tuple[int, int]
    certificate: bytes
    remark: str
    algorithm: bytes | None


@dataclass(frozen=True, slots=True)
class Meta:
    """A ``meta`` taken apart. ``track_id`` and ``start_us`` are those of ``cstb``: the UTC time of that track's media
    time zero, which has a resolution of 100 ns (``start_ticks``, since 1601). ``ipro`` is where that box begins."""

    unit: ExportUnit
    track_id: int
    start_ticks: int
    ipro: int
    signatures: tuple[Signature, ...]

    @property
    def start_us(self) -> int:
        """Microseconds UTC, Unix epoch, rounded down."""
        return self.start_ticks // 10 - _S_1601 * 1_000_000


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def _full(kind: bytes, version: int, payload: bytes) -> bytes:
    return _box(kind, bytes((version, 0, 0, 0)) + payload)


def _text(value: str) -> bytes:
    return value.replace("\0", " ").encode() + b"\0"


def _hdlr() -> bytes:
    return _full(b"hdlr", 0, bytes(4) + b"null" + bytes(12) + b"\0")


def _suep(unit: ExportUnit) -> bytes:
    parts = [_text(unit.name), _text(unit.url), _text(unit.mac), struct.pack(">Q", unit.time_s + _S_1904)]
    parts += [_text(unit.operator), struct.pack(">I", len(unit.sources))]
    for source in unit.sources:
        if not 1 <= source.track_id <= 0xFFFF:
            raise ValueError(f"track {source.track_id} has no place in the format: it must be 1 to 65535")
        parts.append(struct.pack(">H", source.track_id))
        parts += [_text(value) for value in (source.name, source.url, source.mac, source.line)]
    return _full(b"suep", 1, b"".join(parts))


def _cstb(track_id: int, start_us: int) -> bytes:
    return _box(b"cstb", struct.pack(">IIQ", 1, track_id, (start_us + _S_1601 * 1_000_000) * 10))


def _sinf(certificate: bytes, signature: bytes, remark: str) -> bytes:
    schm = _full(b"schm", 0, _SCHEME + struct.pack(">I", _SCHEME_VERSION))
    inner = _box(b"sibo", signature) + _box(b"cert", certificate)
    if remark:
        inner += _box(b"auib", _text(remark))
    return _box(b"sinf", schm + _box(b"schi", inner))


def make_meta(
    unit: ExportUnit, track_id: int, start_us: int, certificate: bytes, signature_bytes: int, remark: str = ""
) -> tuple[bytes, int]:
    """A ``meta`` with one signature still to be made, and where in it the ``signature_bytes`` zero bytes are that it
    goes into.

    Media time zero of ``track_id`` is ``start_us``.
    """
    before = _hdlr() + _suep(unit) + _cstb(track_id, start_us)
    sinf = _sinf(certificate, bytes(signature_bytes), remark)
    meta = _full(b"meta", 0, before + _full(b"ipro", 0, struct.pack(">H", 1) + sinf))
    # sinf's own header, schm, schi's header and sibo's.
    return meta, len(meta) - len(sinf) + 8 + 20 + 8 + 8


def append_signature(meta: bytes, certificate: bytes, signature_bytes: int, remark: str = "") -> tuple[bytes, int]:
    """The ``meta`` with one more signature still to be made, and where in it its zero bytes are. No other byte changes
    but two sizes.

    Raises:
        BoxError: it is not a seal.
    """
    found = parse_meta(meta)
    if len(found.signatures) >= _MOST_SIGNATURES:
        raise BoxError(f"has {len(found.signatures)} signatures, which is as many as are sensible")
    sinf = _sinf(certificate, bytes(signature_bytes), remark)
    return _resized(meta + sinf, found.ipro, len(sinf)), len(meta) + 8 + 20 + 8 + 8


def _resized(meta: bytes, ipro: int, change: int) -> bytes:
    data = bytearray(meta)
    for at in (0, ipro):
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + change)
    return bytes(data)


def signed_view(meta: bytes, found: Meta, number: int, *, zeroed: bool = True) -> bytes:
    """``meta`` as it stood when signature ``number`` (from 0) was made: without later ones and, if ``zeroed``, without
    its own bytes."""
    mine = found.signatures[number]
    data = bytearray(meta[: mine.end])
    if zeroed:
        start, end = mine.signature
        data[start:end] = bytes(end - start)
    return _resized(bytes(data), found.ipro, mine.end - len(meta))


class _Reader:
    """Reads the fields of one box, all of them."""

    def __init__(self, data: bytes, box: Box) -> None:
        self._data, self._at, self._end, self._kind = data, box.payload, box.end, box.kind.decode("latin-1")

    def take(self, count: int) -> bytes:
        if self._at + count > self._end:
            raise BoxError(f"{self._kind} ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def text(self) -> str:
        end = self._data.find(b"\0", self._at, self._end)
        if end < 0:
            raise BoxError(f"{self._kind} has a text that does not end")
        raw = self.take(end + 1 - self._at)[:-1]
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise BoxError(f"{self._kind} has a text that is not UTF-8") from None

    def finish(self) -> None:
        if self._at != self._end:
            raise BoxError(f"{self._kind} has {self._end - self._at} bytes too many")


def _plain(data: bytes, box: Box) -> Box:
    if box.payload - box.start != 8:
        raise BoxError(f"{box.kind.decode('latin-1')} has a size of 64 bits")
    return box


def _version(reader: _Reader, kind: str, version: int) -> None:
    if reader.number(4) != version << 24:
        raise BoxError(f"{kind} has a version or flags that this program does not know")


def parse_meta(meta: bytes) -> Meta:
    """Takes a ``meta`` apart.

    Raises:
        BoxError: it is not a whole seal of this format: what is wrong with it.
    """
    outer = header(meta, 0, len(meta))
    if outer is None or outer.kind != b"meta" or outer.end != len(meta):
        raise BoxError("not a whole meta")
    _version(_Reader(meta, _plain(meta, outer)), "meta", 0)
    boxes = [_plain(meta, box) for box in children(meta, outer.payload + 4, outer.end)]
    kinds = [box.kind for box in boxes]
    if kinds != [b"hdlr", b"suep", b"cstb", b"ipro"]:
        raise BoxError(f"meta holds {b' '.join(kinds).decode('latin-1')}, not hdlr suep cstb ipro")
    hdlr, suep, cstb, ipro = boxes
    if meta[hdlr.payload + 4 : hdlr.payload + 8] != bytes(4):
        raise BoxError("hdlr is not one of a meta")
    unit = _parse_suep(_Reader(meta, suep))
    track_id, ticks = _parse_cstb(_Reader(meta, cstb))
    if track_id not in {source.track_id for source in unit.sources}:
        raise BoxError(f"cstb names track {track_id}, which suep does not")
    reader = _Reader(meta, ipro)
    _version(reader, "ipro", 0)
    if reader.number(2) != 1:
        raise BoxError("ipro's protection_count is not 1")
    signatures = tuple(_parse_sinf(meta, _plain(meta, box)) for box in children(meta, ipro.payload + 6, ipro.end))
    if not 1 <= len(signatures) <= _MOST_SIGNATURES:
        raise BoxError(f"there are {len(signatures)} signatures")
    return Meta(unit, track_id, ticks, ipro.start, signatures)


def _parse_suep(reader: _Reader) -> ExportUnit:
    _version(reader, "suep", 1)
    name, url, mac = reader.text(), reader.text(), reader.text()
    time_s = reader.number(8) - _S_1904
    operator = reader.text()
    count = reader.number(4)
    if count > 64:
        raise BoxError(f"suep declares {count} tracks")
    sources = []
    for _ in range(count):
        track_id = reader.number(2)
        sources.append(SealSource(track_id, reader.text(), reader.text(), reader.text(), reader.text()))
    reader.finish()
    return ExportUnit(name, time_s, operator, tuple(sources), url, mac)


def _parse_cstb(reader: _Reader) -> tuple[int, int]:
    if reader.number(4) != 1:
        raise BoxError("cstb does not have exactly one entry")
    track_id, ticks = reader.number(4), reader.number(8)
    reader.finish()
    return track_id, ticks


def _parse_sinf(meta: bytes, sinf: Box) -> Signature:
    if sinf.kind != b"sinf":
        raise BoxError(f"ipro holds {sinf.kind!r}, not only sinf")
    inner = [_plain(meta, box) for box in children(meta, sinf.payload, sinf.end)]
    if [box.kind for box in inner] != [b"schm", b"schi"]:
        raise BoxError("sinf does not hold schm and schi")
    reader = _Reader(meta, inner[0])
    _version(reader, "schm", 0)
    if reader.take(4) != _SCHEME or reader.number(4) != _SCHEME_VERSION:
        raise BoxError("schm names a scheme that is not oeff 1.0")
    reader.finish()
    parts: dict[bytes, Box] = {}
    for box in children(meta, inner[1].payload, inner[1].end):
        if box.kind not in (b"sibo", b"cert", b"sigC", b"auib", b"cstb") or box.kind in parts:
            raise BoxError(f"schi holds an unexpected {box.kind!r}")
        parts[box.kind] = _plain(meta, box)
    if b"sibo" not in parts or b"cert" not in parts:
        raise BoxError("schi lacks sibo or cert")
    sibo, cert, algorithm = parts[b"sibo"], parts[b"cert"], parts.get(b"sigC")
    remark = ""
    if b"auib" in parts:
        reader = _Reader(meta, parts[b"auib"])
        remark = reader.text()
        reader.finish()
    return Signature(
        sinf.start,
        sinf.end,
        (sibo.payload, sibo.end),
        meta[cert.payload : cert.end],
        remark,
        None if algorithm is None else meta[algorithm.payload : algorithm.end],
    )
