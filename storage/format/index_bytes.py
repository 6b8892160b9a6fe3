"""How an index stands in a segment's tail: from columns of numbers to bytes. ``storage.format.sample_index_codec``
reads it. Pure."""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from typing import Final

from storage.format.boxes import LOSSES, Hole

__all__ = ["index_bytes", "little_endian", "track_bytes"]

_TWO: Final = struct.Struct("<II")
_TRACK: Final = struct.Struct("<III")
_COUNT: Final = struct.Struct("<I")
_HOLE: Final = struct.Struct("<qqq")


def little_endian(numbers: array[int]) -> bytes:
    """These numbers, the lowest byte of each first."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def track_bytes(track_id: int, rows: bytes, sizes: bytes, durations: bytes, offsets: bytes, sync: bytes) -> bytes:
    """One track: its rows of fragments, five numbers of 64 bits each; of all samples the sizes, durations and
    composition offsets, 32 bits each, and a byte each that says whether it is a sync sample."""
    # Column by column: durations and flags are nearly constant and vanish in the compression.
    return _TRACK.pack(track_id, len(rows) // 40, len(sync)) + b"".join((rows, sizes, durations, offsets, sync))


def index_bytes(fragments: bytes, tracks: Sequence[bytes], holes: Sequence[Hole]) -> bytes:
    """The whole. ``fragments``: two numbers of 64 bits each; ``tracks``: of each what ``track_bytes`` gives."""
    parts = [_TWO.pack(len(fragments) // 16, len(tracks)), fragments, *tracks]
    if holes:
        # Only then: a program that knows no holes reads all others.
        parts.append(_COUNT.pack(len(holes)))
        parts += [_HOLE.pack(hole.start, hole.end, LOSSES.index(hole.loss)) for hole in holes]
    return zlib.compress(b"".join(parts), 1)
