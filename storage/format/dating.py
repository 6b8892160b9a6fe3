"""Puts times into the header of an MP4: when its footage begins and, of a sealed one, how long it is, where file
managers and tools look for them. Pure.

An init has neither, since it is shared by all segments of equal parameters; a segment's file says when it begins, not
how long it is, since its header is written and hashed first. Only numbers change: no box moves or grows.
"""

from __future__ import annotations

import functools
import struct
from typing import Final

from storage.format.boxes import BoxError, children

__all__ = ["dated", "undated"]

_S_1904: Final = 2_082_844_800
_PARENTS: Final = (b"moov", b"trak", b"mdia")


def dated(init: bytes, start_us: int, end_us: int) -> bytes:
    """The header (``ftyp`` and ``moov``) with creation times to the second, and durations of the movie and its tracks.
    What its fields can't hold (32 bits: a day in ticks of a 90,000th) stays unknown.

    Raises:
        BoxError: it is not a header.
    """
    return _set(init, start_us // 1_000_000 + _S_1904, end_us - start_us)


def undated(init: bytes) -> bytes:
    """The header without these times, whatever they are: to be compared with what was recorded.

    Raises:
        BoxError: it is not a header.
    """
    return _set(init, 0, 0)


def _set(init: bytes, created: int, duration_us: int) -> bytes:
    data = bytearray(init)
    scale = 0
    for kind, payload in _headers(init):
        wide = init[payload] == 1
        times, number = (">QQ", ">Q") if wide else (">II", ">I")
        if not wide and created >= 1 << 32:
            created = 0
        struct.pack_into(times, data, payload + 4, created, created)
        # Behind the times: of mvhd timescale and duration, of tkhd track, reserved and duration (in the movie's
        # timescale), of mdhd its own, which is left alone: decoders take it for what the samples of moov last, of which
        # there are none.
        behind = payload + (20 if wide else 12)
        if kind == b"mvhd":
            scale = struct.unpack_from(">I", init, behind)[0]
            _put(data, number, behind + 4, duration_us * scale // 1_000_000)
        elif kind == b"tkhd":
            _put(data, number, behind + 8, duration_us * scale // 1_000_000)
    return bytes(data)


def _put(data: bytearray, form: str, at: int, value: int) -> None:
    struct.pack_into(form, data, at, value if form == ">Q" or value < (1 << 32) - 1 else 0)


# Thousands of segments have the same, one after the other.
@functools.lru_cache(maxsize=64)
def _headers(init: bytes) -> tuple[tuple[bytes, int], ...]:
    return tuple(_boxes(init, 0, len(init)))


def _boxes(data: bytes, begin: int, end: int) -> list[tuple[bytes, int]]:
    """``mvhd``, then ``tkhd`` and ``mdhd`` of each track, with where their contents begin."""
    found: list[tuple[bytes, int]] = []
    for box in children(data, begin, end):
        if box.kind in _PARENTS:
            found += _boxes(data, box.payload, box.end)
        elif box.kind in (b"mvhd", b"tkhd", b"mdhd"):
            if box.end - box.payload < 32 - 8:
                raise BoxError(f"{box.kind.decode()} is too short")
            found.append((box.kind, box.payload))
    return found
