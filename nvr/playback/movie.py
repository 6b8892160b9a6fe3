"""Writing the ``ftyp`` and ``moov`` of a flat MP4 (ISO/IEC 14496-12) over samples that are recorded already. Pure.

What describes the streams (``stsd``, ``hdlr``, media header, ``dinf``, picture size and rotation) is copied byte for byte from the init; what
describes time and place is made anew. Invariant: the length of what ``header`` returns does not depend on where the samples lie, except
for 32 or 64 bits.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nvr.playback.chains import Array
from nvr.playback.timeline import Edit
from storage.boxes import Box, BoxError, children

__all__ = ["MovieTrack", "TrackBoxes", "header", "track_boxes"]

_U32_LIMIT: Final = 1 << 32
# Seconds from 1904-01-01, the epoch of MP4, to 1970-01-01.
_MAC_EPOCH_S: Final = 2_082_844_800
_MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
# Every reader knows one of these; version 1 of ctts, where needed, came with iso4.
_BRANDS: Final = b"mp42" + struct.pack(">I", 0) + b"mp42isomiso2iso4mp41"


@dataclass(frozen=True, slots=True)
class TrackBoxes:
    """What is copied from the init. ``tkhd_tail`` are layer to height, the same in both versions of ``tkhd``; ``language`` is packed."""

    track_id: int
    timescale: int
    tkhd_tail: bytes
    language: bytes
    hdlr: bytes
    media_header: bytes
    dinf: bytes
    stsd: bytes


@dataclass(frozen=True, slots=True)
class MovieTrack:
    """A track of the clip. Per sample, in decode order: bytes, duration and composition offset in ticks, sync. Per chunk: its
    position in the ``mdat``'s payload and its number of samples. ``duration`` is in ticks of the track."""

    boxes: TrackBoxes
    sizes: Array
    durations: Array
    offsets: Array
    sync: Array
    chunk_positions: Array
    chunk_samples: Array
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


# A box as the pieces of its bytes: a day's tables have tens of megabytes and are put together once, not at every level of boxes.
_Parts = list[bytes]


def _length(parts: _Parts) -> int:
    return sum(map(len, parts))


def _box(kind: bytes, *contents: _Parts) -> _Parts:
    parts = list(itertools.chain.from_iterable(contents))
    return [struct.pack(">I4s", 8 + _length(parts), kind), *parts]


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> _Parts:
    return _box(kind, [struct.pack(">I", version << 24 | flags), *parts])


def header(tracks: Sequence[MovieTrack], timescale: int, duration: int, created_us: int, payload_bytes: int) -> bytes:
    """``ftyp``, ``moov`` and the header of the ``mdat`` whose payload follows, ``payload_bytes`` long.

    ``timescale`` and ``duration`` are the movie's; ``created_us`` when its footage began.
    """
    ftyp = _box(b"ftyp", [_BRANDS])
    created = created_us // 1_000_000 + _MAC_EPOCH_S
    tables = [_tables(track) for track in tracks]
    chunks = sum(len(track.chunk_positions) for track in tracks)
    # A little too early for 64 bits does no harm; too late would.
    estimate = sum(map(_length, tables)) + 8 * chunks + 4096 * len(tracks) + 4096
    wide = payload_bytes + estimate >= _U32_LIMIT
    mdat = (
        struct.pack(">I4sQ", 1, b"mdat", 16 + payload_bytes)
        if wide
        else struct.pack(">I4s", 8 + payload_bytes, b"mdat")
    )

    def moov(base: int) -> _Parts:
        traks = [
            _trak(track, table, base, wide, timescale, created) for track, table in zip(tracks, tables, strict=True)
        ]
        return _box(b"moov", _mvhd(timescale, duration, created, tracks), *traks)

    base = _length(ftyp) + _length(moov(0)) + len(mdat)
    return b"".join([*ftyp, *moov(base), mdat])


def _mvhd(timescale: int, duration: int, created: int, tracks: Sequence[MovieTrack]) -> _Parts:
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


def _trak(track: MovieTrack, tables: _Parts, base: int, wide: bool, timescale: int, created: int) -> _Parts:
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
    places = track.chunk_positions + base
    count = struct.pack(">I", len(places))
    chunk_box = (
        _full(b"co64", 0, 0, count, places.astype(">u8").tobytes())
        if wide
        else _full(b"stco", 0, 0, count, places.astype(">u4").tobytes())
    )
    stbl = _box(b"stbl", [boxes.stsd], tables, chunk_box)
    minf = _box(b"minf", [boxes.media_header, boxes.dinf], stbl)
    return _box(b"trak", tkhd, edts, _box(b"mdia", mdhd, [boxes.hdlr], minf))


def _tables(track: MovieTrack) -> _Parts:
    """Everything of ``stbl`` that does not depend on where the samples lie."""
    parts = _runs(b"stts", 0, track.durations)
    if track.offsets.any():
        # Version 0 is understood by more readers, and the same where nothing is negative.
        parts += _runs(b"ctts", int(track.offsets.min() < 0), track.offsets)
    if not track.sync.all():
        numbers = np.flatnonzero(track.sync) + 1
        parts += _full(b"stss", 0, 0, struct.pack(">I", len(numbers)), numbers.astype(">u4").tobytes())
    starts = _changes(track.chunk_samples)
    stsc = np.ones((len(starts), 3), np.int64)
    stsc[:, 0], stsc[:, 1] = starts + 1, track.chunk_samples[starts]
    parts += _full(b"stsc", 0, 0, struct.pack(">I", len(stsc)), stsc.astype(">u4").tobytes())
    parts += _full(b"stsz", 0, 0, struct.pack(">II", 0, len(track.sizes)), track.sizes.astype(">u4").tobytes())
    return parts


def _changes(values: Array) -> Array:
    """Where runs of equal values begin."""
    if not len(values):
        return np.empty(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])


def _runs(kind: bytes, version: int, values: Array) -> _Parts:
    """A table of run lengths and values, 32 bits each."""
    starts = _changes(values)
    rows = np.empty((len(starts), 2), ">u4")
    rows[:, 0] = np.diff(np.append(starts, len(values)))
    rows[:, 1] = (values[starts] & 0xFFFFFFFF).astype(">u4")
    return _full(kind, version, 0, struct.pack(">I", len(starts)), rows.tobytes())
