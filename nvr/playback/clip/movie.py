"""Writing the ``ftyp`` and ``moov`` of a flat MP4 (ISO/IEC 14496-12) over samples that are recorded already. Pure.

What describes the streams (``stsd``, ``hdlr``, media header, ``dinf``, picture size and rotation) is copied byte for
byte from the init; what describes time and place is computed. Invariant: the length of what ``header`` returns does
not depend on where the samples lie, except for 32 or 64 bits.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from nvr.playback.clip.timeline import Edit
from storage.format.boxes import Box, BoxError, children
from storage.format.sample_index import Array, Narrow

__all__ = [
    "Lazy",
    "MovieTrack",
    "Pieces",
    "Table",
    "TrackBoxes",
    "header",
    "length",
    "run_count",
    "runs",
    "track_boxes",
    "u32",
]

_U32_LIMIT: Final = 1 << 32
# Seconds from 1904-01-01, the epoch of MP4, to 1970-01-01.
_MAC_EPOCH_S: Final = 2_082_844_800
_MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
# Every reader knows one of these; version 1 of ctts, where needed, came with iso4.
_BRANDS: Final = b"mp42" + struct.pack(">I", 0) + b"mp42isomiso2iso4mp41"


@dataclass(frozen=True, slots=True)
class TrackBoxes:
    """What is copied from the init. ``tkhd_tail`` are layer to height, the same in both versions of ``tkhd``;
    ``language`` is packed."""

    track_id: int
    timescale: int
    tkhd_tail: bytes
    language: bytes
    hdlr: bytes
    media_header: bytes
    dinf: bytes
    stsd: bytes


class Lazy:
    """Bytes of a known length that are made when they are read."""

    __slots__ = ("_make", "_size")

    def __init__(self, size: int, make: Callable[[], bytes]) -> None:
        self._size = size
        self._make = make

    def __len__(self) -> int:
        return self._size

    def data(self) -> bytes:
        """The bytes, computed at each call.

        Raises:
            ValueError: they are not as many as was said.
        """
        data = self._make()
        if len(data) != self._size:
            raise ValueError(f"a table of {len(data)} bytes was counted as {self._size}")
        return data


# Some bytes, one piece behind the other: a day's tables have tens of megabytes, are never put together, and are made as
# they are read.
Pieces = list[bytes | Lazy]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a track's table in shares, one behind the other: the number of rows of each, and what makes their
    bytes."""

    shares: Sequence[tuple[int, Callable[[], bytes]]]

    @property
    def count(self) -> int:
        """All rows."""
        return sum(count for count, _ in self.shares)

    def pieces(self, row_bytes: int) -> Pieces:
        """Their bytes."""
        return [Lazy(count * row_bytes, make) for count, make in self.shares]


@dataclass(frozen=True, slots=True)
class MovieTrack:
    """A track of the clip: tables over its ``samples`` in decode order (``stts``; ``ctts``, None if all its offsets are
    0; ``stss``, None if all are sync samples; ``stsc``; ``stsz``), and for each share of its chunks how many and, when
    asked, their positions in the ``mdat``'s payload. ``duration`` is in ticks of the track."""

    boxes: TrackBoxes
    samples: int
    times: Table
    offsets: Table | None
    has_negative_offsets: bool
    sync: Table | None
    chunk_runs: Table
    sizes: Table
    positions: Sequence[tuple[int, Callable[[], Array]]]
    edits: tuple[Edit, ...]
    duration: int


def track_boxes(init: bytes) -> dict[int, TrackBoxes]:
    """By track id, what the init says of its tracks.

    Raises:
        BoxError: the init is not one of ours.
    """
    found = {}
    for trak in _inside(init, _find(init, Box(b"init", 0, 0, len(init)), b"moov"), b"trak"):
        tkhd = _find(init, trak, b"tkhd")
        mdia = _find(init, trak, b"mdia")
        mdhd, hdlr, minf = (_find(init, mdia, kind) for kind in (b"mdhd", b"hdlr", b"minf"))
        media_header = next((b for b in children(init, minf.payload, minf.end) if b.kind in (b"vmhd", b"smhd")), None)
        if media_header is None:
            raise BoxError("a track is neither video nor sound")
        dinf, stbl = _find(init, minf, b"dinf"), _find(init, minf, b"stbl")
        wide = init[mdhd.payload] == 1
        at = tkhd.payload + (20 if init[tkhd.payload] == 1 else 12)
        track_id = struct.unpack_from(">I", init, at)[0]
        boxes = TrackBoxes(
            track_id,
            struct.unpack_from(">I", init, mdhd.payload + (20 if wide else 12))[0],
            init[tkhd.end - 52 : tkhd.end],
            init[mdhd.payload + (32 if wide else 20) :][:2],
            *(init[box.start : box.end] for box in (hdlr, media_header, dinf, _find(init, stbl, b"stsd"))),
        )
        found[track_id] = boxes
    return found


def _inside(data: bytes, parent: Box, kind: bytes) -> Iterator[Box]:
    return (box for box in children(data, parent.payload, parent.end) if box.kind == kind)


def _find(data: bytes, parent: Box, kind: bytes) -> Box:
    box = next(_inside(data, parent, kind), None)
    if box is None:
        raise BoxError(f"no {kind.decode()} in {parent.kind.decode('latin-1')}")
    return box


def length(pieces: Iterable[bytes | Lazy]) -> int:
    """All their bytes."""
    return sum(map(len, pieces))


def _box(kind: bytes, *contents: Pieces) -> Pieces:
    pieces = list(itertools.chain.from_iterable(contents))
    return [struct.pack(">I4s", 8 + length(pieces), kind), *pieces]


def _full(kind: bytes, version: int, flags: int, *pieces: bytes | Lazy) -> Pieces:
    return _box(kind, [struct.pack(">I", version << 24 | flags), *pieces])


def header(tracks: Sequence[MovieTrack], timescale: int, duration: int, created_us: int, payload_bytes: int) -> Pieces:
    """``ftyp``, ``moov`` and the header of the ``mdat`` whose payload follows, ``payload_bytes`` long.

    ``timescale`` and ``duration`` are the movie's; ``created_us`` when its footage began.
    """
    ftyp = _box(b"ftyp", [_BRANDS])
    created = created_us // 1_000_000 + _MAC_EPOCH_S
    tables = [_tables(track) for track in tracks]
    chunks = sum(count for track in tracks for count, _ in track.positions)
    # A little too early for 64 bits does no harm; too late would.
    estimate = sum(map(length, tables)) + 8 * chunks + 4096 * len(tracks) + 4096
    wide = payload_bytes + estimate >= _U32_LIMIT
    mdat = (
        struct.pack(">I4sQ", 1, b"mdat", 16 + payload_bytes)
        if wide
        else struct.pack(">I4s", 8 + payload_bytes, b"mdat")
    )

    def moov(base: int) -> Pieces:
        traks = [
            _trak(track, table, base, wide, timescale, created) for track, table in zip(tracks, tables, strict=True)
        ]
        return _box(b"moov", _mvhd(timescale, duration, created, tracks), *traks)

    base = length(ftyp) + length(moov(0)) + len(mdat)
    return [*ftyp, *moov(base), mdat]


def _mvhd(timescale: int, duration: int, created: int, tracks: Sequence[MovieTrack]) -> Pieces:
    next_id = max(track.boxes.track_id for track in tracks) + 1
    return _full(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQIH10x", created, created, timescale, duration, 0x10000, 0x100),
        _MATRIX,
        bytes(24),
        struct.pack(">I", next_id),
    )


def _trak(track: MovieTrack, tables: Pieces, base: int, wide: bool, timescale: int, created: int) -> Pieces:
    boxes = track.boxes
    shown = sum(edit.duration for edit in track.edits)
    # Flags: enabled, in the movie.
    tkhd = _full(b"tkhd", 1, 3, struct.pack(">QQIIQ8x", created, created, boxes.track_id, 0, shown), boxes.tkhd_tail)
    rows = b"".join(struct.pack(">QqI", edit.duration, edit.media_time, 0x10000) for edit in track.edits)
    edts = _box(b"edts", _full(b"elst", 1, 0, struct.pack(">I", len(track.edits)), rows))
    mdhd = _full(
        b"mdhd",
        1,
        0,
        struct.pack(">QQIQ", created, created, boxes.timescale, track.duration),
        boxes.language,
        bytes(2),
    )
    chunk_box = _full(
        b"co64" if wide else b"stco",
        0,
        0,
        struct.pack(">I", sum(count for count, _ in track.positions)),
        *(Lazy(count * (8 if wide else 4), partial(_places, find, base, wide)) for count, find in track.positions),
    )
    stbl = _box(b"stbl", [boxes.stsd], tables, chunk_box)
    minf = _box(b"minf", [boxes.media_header, boxes.dinf], stbl)
    return _box(b"trak", tkhd, edts, _box(b"mdia", mdhd, [boxes.hdlr], minf))


def _tables(track: MovieTrack) -> Pieces:
    """Everything of ``stbl`` that does not depend on where the samples lie."""
    pieces = _counted(b"stts", 0, track.times, 8)
    if track.offsets is not None:
        # Version 0 is understood by more readers, and the same where nothing is negative.
        pieces += _counted(b"ctts", int(track.has_negative_offsets), track.offsets, 8)
    if track.sync is not None:
        pieces += _counted(b"stss", 0, track.sync, 4)
    pieces += _counted(b"stsc", 0, track.chunk_runs, 12)
    pieces += _full(b"stsz", 0, 0, struct.pack(">II", 0, track.samples), *track.sizes.pieces(4))
    return pieces


def _counted(kind: bytes, version: int, table: Table, row_bytes: int) -> Pieces:
    return _full(kind, version, 0, struct.pack(">I", table.count), *table.pieces(row_bytes))


def _places(find: Callable[[], Array], base: int, wide: bool) -> bytes:
    return (find() + base).astype(">u8" if wide else ">u4").tobytes()


def u32(values: Array | Narrow) -> bytes:
    """As 32 bits each."""
    return values.astype(">u4").tobytes()


def run_count(values: Array | Narrow) -> int:
    """How many runs of equal values there are."""
    return int(np.count_nonzero(values[1:] != values[:-1])) + 1


def runs(values: Array | Narrow) -> bytes:
    """A row a run of equal values: its length and the value, 32 bits each."""
    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    rows = np.empty((len(starts), 2), ">u4")
    rows[:, 0] = np.diff(np.append(starts, len(values)))
    rows[:, 1] = values[starts].astype(np.int64) & 0xFFFFFFFF
    return rows.tobytes()
