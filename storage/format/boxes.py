"""Reading MP4 boxes: just what recorded fragments need (ISO/IEC 14496-12).

Pure functions over bytes. Everything read here may be damaged or foreign: any inconsistency raises ``BoxError`` and
nothing is read beyond the given bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    # Many know boxes who look at no sample, and it takes as long to import as all of them.
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "LOSSES",
    "Box",
    "BoxError",
    "Fragment",
    "Hole",
    "Track",
    "TrackFragment",
    "children",
    "header",
    "hole_box",
    "parse_init",
    "parse_moof",
]

_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_HEADER = struct.Struct(">I4s")

LOSSES: Final = ("", "network", "camera", "server")
"""Who is answerable for a hole; the first: nothing was lost, nothing came."""

_HOLE_UUID: Final = bytes.fromhex("6e76722d686f6c658f1c4b52a9d07e31")
# Size, kind and UUID of the box; start and end in ticks; place in LOSSES.
_HOLE: Final = struct.Struct(">I4s16sqqB")

# A fragment holds a second at most. Samples that take all their values from defaults cost a damaged file no bytes, so
# their number needs a limit of its own.
_MOST_SAMPLES = 1 << 17
_LARGEST_TIME: Final = 1 << 62
# sample_is_non_sync_sample, ISO/IEC 14496-12 §8.8.3.1
_NON_SYNC = 0x00010000


class BoxError(ValueError):
    """Bytes that are not the MP4 structure expected of them."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box inside some bytes: its type, where its payload begins and where it ends."""

    kind: bytes
    start: int
    payload: int
    end: int


@dataclass(frozen=True, slots=True)
class Track:
    """A track as its init declares it. ``kind`` is ``video`` or ``audio``; sizes are pixels of the coded picture."""

    track_id: int
    kind: str
    timescale: int
    codec: str
    width: int
    height: int


class TrackFragment:
    """The samples of one track in one fragment: ``count`` of them, ``size`` bytes in all.

    ``packed`` is what ``samples`` shows, four integers of 64 bits a sample, in the machine's byte order: a recorder
    makes thousands of these a second and looks at none. ``data_offset`` is relative to the first byte of the ``moof``.
    """

    __slots__ = ("count", "data_offset", "decode_time", "packed", "size", "track_id")

    def __init__(self, track_id: int, decode_time: int, data_offset: int, count: int, size: int, packed: bytes) -> None:
        self.track_id = track_id
        self.decode_time = decode_time
        self.data_offset = data_offset
        self.count = count
        self.size = size
        self.packed = packed

    @property
    def samples(self) -> npt.NDArray[np.int64]:
        """One row a sample: size in bytes, duration in ticks, composition offset in ticks, sync (0 or 1)."""
        import numpy as np

        return np.frombuffer(self.packed, np.int64).reshape(-1, 4)


class Hole(NamedTuple):
    """A stretch of a segment in which no frame could be decoded: from the end of the last frame before it to the first
    frame after it, presentation times in ticks of the video. ``loss`` is one of ``LOSSES``."""

    start: int
    end: int
    loss: str


class Fragment:
    """A parsed ``moof``. ``hole``: the frame that comes after this fragment's last one does not follow it at once; so
    that players show something meanwhile, the last sample lasts until then."""

    __slots__ = ("hole", "sequence", "tracks")

    def __init__(self, sequence: int, tracks: tuple[TrackFragment, ...], hole: Hole | None = None) -> None:
        self.sequence = sequence
        self.tracks = tracks
        self.hole = hole


def hole_box(hole: Hole) -> bytes:
    """The hole as a box of a ``moof``, which players pass over."""
    return _HOLE.pack(_HOLE.size, b"uuid", _HOLE_UUID, hole.start, hole.end, LOSSES.index(hole.loss))


def header(data: bytes | memoryview, at: int, limit: int) -> Box | None:
    """The box that begins at ``at``, or None if its header is not whole before ``limit``. Its end may lie beyond.

    Raises:
        BoxError: a size that no box can have.
    """
    if at + 8 > limit:
        return None
    size, kind = _HEADER.unpack_from(data, at)
    payload = at + 8
    if size == 1:
        if at + 16 > limit:
            return None
        size = _U64.unpack_from(data, at + 8)[0]
        payload = at + 16
    if size < payload - at:
        raise BoxError(f"box {kind!r} at {at} declares {size} bytes, less than its own header")
    return Box(kind, at, payload, at + size)


def children(data: bytes | memoryview, start: int, end: int) -> Iterator[Box]:
    """The boxes in ``data[start:end]``, which they must fill exactly.

    Raises:
        BoxError: they do not.
    """
    at = start
    while at < end:
        box = header(data, at, end)
        if box is None or box.end > end:
            raise BoxError(f"box at {at} does not fit into its parent, which ends at {end}")
        yield box
        at = box.end


def _need(data: bytes | memoryview, box: Box, *path: bytes) -> Box:
    for kind in path:
        found = next((child for child in children(data, box.payload, box.end) if child.kind == kind), None)
        if found is None:
            raise BoxError(f"no {kind.decode()} in {box.kind.decode('latin-1')}")
        box = found
    return box


def parse_moof(data: bytes | memoryview, defaults: dict[int, tuple[int, int, int]] | None = None) -> Fragment:
    """The fragment whose ``moof`` is ``data``. ``defaults`` are ``trex`` (duration, size, flags) by track, if any.

    Raises:
        BoxError: it is none, is cut short, or says what no fragment can.
    """
    try:
        return _parse_moof(data, defaults or {})
    except (struct.error, IndexError) as error:
        raise BoxError(f"moof is cut short: {error}") from None


def _parse_moof(data: bytes | memoryview, defaults: dict[int, tuple[int, int, int]]) -> Fragment:
    outer = header(data, 0, len(data))
    if outer is None or outer.kind != b"moof" or outer.end != len(data):
        raise BoxError("not a whole moof")
    sequence = 0
    tracks: list[TrackFragment] = []
    hole: Hole | None = None
    for box in children(data, outer.payload, outer.end):
        if box.kind == b"mfhd":
            sequence = _U32.unpack_from(data, box.payload + 4)[0]
        elif box.kind == b"traf":
            tracks.append(_parse_traf(data, box, defaults))
        elif box.kind == b"uuid" and bytes(data[box.payload : box.payload + 16]) == _HOLE_UUID:
            hole = _parse_hole(data, box)
    return Fragment(sequence, tuple(tracks), hole)


def _parse_hole(data: bytes | memoryview, box: Box) -> Hole:
    if box.end - box.start != _HOLE.size:
        raise BoxError(f"a hole of {box.end - box.start} bytes")
    _, _, _, start, end, loss = _HOLE.unpack_from(data, box.start)
    if not -_LARGEST_TIME < start < end < _LARGEST_TIME or loss >= len(LOSSES):
        raise BoxError(f"a hole from {start} to {end}, of kind {loss}")
    return Hole(start, end, LOSSES[loss])


def _parse_traf(data: bytes | memoryview, traf: Box, defaults: dict[int, tuple[int, int, int]]) -> TrackFragment:
    track_id = 0
    decode_time: int | None = None
    data_offset: int | None = None
    duration = size = flags = 0
    runs: list[npt.NDArray[np.int64]] = []
    count = run_bytes = 0
    for box in children(data, traf.payload, traf.end):
        if box.kind == b"tfhd":
            bits = _U32.unpack_from(data, box.payload)[0] & 0xFFFFFF
            track_id = _U32.unpack_from(data, box.payload + 4)[0]
            duration, size, flags = defaults.get(track_id, (0, 0, 0))
            at = box.payload + 8
            if bits & 0x01:
                raise BoxError("tfhd with base-data-offset: fragments must be self-contained")
            if bits & 0x02:
                at += 4
            if bits & 0x08:
                duration, at = _U32.unpack_from(data, at)[0], at + 4
            if bits & 0x10:
                size, at = _U32.unpack_from(data, at)[0], at + 4
            if bits & 0x20:
                flags = _U32.unpack_from(data, at)[0]
        elif box.kind == b"tfdt":
            wide = data[box.payload] == 1
            decode_time = (_U64 if wide else _U32).unpack_from(data, box.payload + 4)[0]
        elif box.kind == b"trun":
            offset, run = _parse_trun(data, box, duration, size, flags)
            if data_offset is None:
                data_offset = offset
            elif offset != data_offset + run_bytes:
                raise BoxError("traf whose runs do not lie one behind the other")
            count += len(run)
            if count > _MOST_SAMPLES:
                raise BoxError(f"traf declares more than {_MOST_SAMPLES} samples")
            run_bytes += int(run[:, 0].sum())
            runs.append(run)
    if decode_time is None or data_offset is None or not track_id:
        raise BoxError("traf lacks tfhd, tfdt or trun")
    packed = b"".join(run.tobytes() for run in runs)
    return TrackFragment(track_id, decode_time, data_offset, count, run_bytes, packed)


def _parse_trun(
    data: bytes | memoryview, box: Box, duration: int, size: int, flags: int
) -> tuple[int, npt.NDArray[np.int64]]:
    import numpy as np

    word, count = struct.unpack_from(">II", data, box.payload)
    bits = word & 0xFFFFFF
    at = box.payload + 8
    offset = 0
    if bits & 0x001:
        offset, at = struct.unpack_from(">i", data, at)[0], at + 4
    first_flags: int | None = None
    if bits & 0x004:
        first_flags, at = _U32.unpack_from(data, at)[0], at + 4
    columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if bits & bit]
    if count > _MOST_SAMPLES or at + 4 * len(columns) * count > box.end:
        raise BoxError(f"trun declares {count} samples, more than it holds")
    table = np.frombuffer(data, dtype=">u4", count=len(columns) * count, offset=at).reshape(count, len(columns))
    samples = np.empty((count, 4), dtype=np.int64)
    samples[:, 0] = table[:, columns.index(0x200)] if 0x200 in columns else size
    samples[:, 1] = table[:, columns.index(0x100)] if 0x100 in columns else duration
    # Version 0 offsets are unsigned by the letter and signed by what muxers write.
    samples[:, 2] = table[:, columns.index(0x800)].astype(np.uint32).view(np.int32) if 0x800 in columns else 0
    all_flags = table[:, columns.index(0x400)].astype(np.int64) if 0x400 in columns else np.full(count, flags)
    samples[:, 3] = (all_flags & _NON_SYNC) == 0
    if first_flags is not None and count:
        samples[0, 3] = (first_flags & _NON_SYNC) == 0
    return offset, samples


def parse_init(data: bytes | memoryview) -> tuple[Track, ...]:
    """The tracks that an init (``ftyp`` + ``moov``) declares, in file order.

    Raises:
        BoxError: it is cut short, or lacks what a track needs.
    """
    try:
        return tuple(_parse_trak(data, trak) for trak in _traks(data))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise BoxError(f"init is cut short: {error}") from None


def _traks(data: bytes | memoryview) -> Iterator[Box]:
    moov = next((box for box in children(data, 0, len(data)) if box.kind == b"moov"), None)
    if moov is None:
        raise BoxError("no moov")
    return (box for box in children(data, moov.payload, moov.end) if box.kind == b"trak")


def _parse_trak(data: bytes | memoryview, trak: Box) -> Track:
    tkhd = _need(data, trak, b"tkhd")
    track_id = _U32.unpack_from(data, tkhd.payload + (20 if data[tkhd.payload] == 1 else 12))[0]
    mdhd = _need(data, trak, b"mdia", b"mdhd")
    timescale = _U32.unpack_from(data, mdhd.payload + (20 if data[mdhd.payload] == 1 else 12))[0]
    if not timescale:
        raise BoxError(f"track {track_id} has timescale 0")
    hdlr = _need(data, trak, b"mdia", b"hdlr")
    handler = bytes(data[hdlr.payload + 8 : hdlr.payload + 12])
    stsd = _need(data, trak, b"mdia", b"minf", b"stbl", b"stsd")
    entry = header(data, stsd.payload + 8, stsd.end)
    if entry is None or entry.end > stsd.end:
        raise BoxError(f"track {track_id} has no sample entry")
    if handler == b"vide":
        width, height = struct.unpack_from(">HH", data, entry.payload + 24)
        return Track(track_id, "video", timescale, _video_codec(data, entry), width, height)
    if handler == b"soun":
        return Track(track_id, "audio", timescale, _audio_codec(data, entry), 0, 0)
    raise BoxError(f"track {track_id} is {handler!r}, neither video nor audio")


def _video_codec(data: bytes | memoryview, entry: Box) -> str:
    """The RFC 6381 ``codecs`` string: what a browser is asked whether it can play."""
    for box in children(data, entry.payload + 78, entry.end):
        if box.kind == b"avcC":
            return f"{entry.kind.decode()}.{bytes(data[box.payload + 1 : box.payload + 4]).hex()}"
        if box.kind == b"hvcC":
            return f"{entry.kind.decode()}.{_hevc_codec(bytes(data[box.payload : box.end]))}"
    return entry.kind.decode()


def _hevc_codec(config: bytes) -> str:
    # ISO/IEC 14496-15 Annex E: profile space and id, reversed compatibility flags, tier and level, constraint bytes.
    space = ("", "A", "B", "C")[config[1] >> 6]
    compatibility = int(f"{_U32.unpack_from(config, 2)[0]:032b}"[::-1], 2)
    tier = "H" if config[1] & 0x20 else "L"
    constraints = config[6:12].rstrip(b"\x00")
    tail = "".join(f".{byte:X}" for byte in constraints)
    return f"{space}{config[1] & 0x1F}.{compatibility:X}.{tier}{config[12]}{tail}"


def _audio_codec(data: bytes | memoryview, entry: Box) -> str:
    if entry.kind != b"mp4a":
        return entry.kind.decode()
    for box in children(data, entry.payload + 28, entry.end):
        if box.kind == b"esds":
            payload = bytes(data[box.payload : box.end])
            at = payload.find(b"\x05")
            if at >= 0:
                at += 1
                while payload[at] & 0x80:
                    at += 1
                return f"mp4a.40.{payload[at + 1] >> 3}"
    return "mp4a.40.2"
