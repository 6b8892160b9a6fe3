"""How the footage of several cameras comes in one answer: messages, one behind the other. Pure.

A message: number of the camera among those asked for (u8), kind (u8), zero (u16), length of what follows (u32); all
big-endian. Of ``FRAGMENT``, ``KEYFRAME`` and ``GAP`` what follows begins with two times, ``[start, end)`` in
microseconds since 1970 (u64 each). Invariant: before a fragment or a keyframe stands the ``INIT`` by which it is
decoded, unless whoever asks has said that they have it.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import msgspec

__all__ = ["MessageKind", "TileInit", "init_message", "message", "timed"]

_HEAD: Final = struct.Struct(">BBHI")
_TIMES: Final = struct.Struct(">QQ")


class MessageKind(IntEnum):
    """``INIT``: JSON (``TileInit``), a zero byte, and the init's bytes, none where only its name is said. ``FRAGMENT``:
    ``moof`` and ``mdat``. ``KEYFRAME``: the sample's bytes, and when it gives way to the next keyframe. ``GAP``: no
    footage. ``LOST``: footage that can't be read. ``END``: nothing more of this camera."""

    INIT = 0
    FRAGMENT = 1
    KEYFRAME = 2
    GAP = 3
    LOST = 4
    END = 5


class TileInit(msgspec.Struct, frozen=True):
    """What decodes the following fragments and keyframes of a camera: codecs as in RFC 6381, sizes in pixels."""

    id: str
    video: str
    audio: str | None
    width: int
    height: int


def message(tile: int, kind: MessageKind, data: bytes) -> bytes:
    """One message."""
    return _HEAD.pack(tile, kind, 0, len(data)) + data


def timed(tile: int, kind: MessageKind, start_us: int, end_us: int, data: bytes = b"") -> bytes:
    """One message that begins with its times."""
    return message(tile, kind, _TIMES.pack(max(start_us, 0), max(end_us, 0)) + data)


def init_message(tile: int, init: TileInit, data: bytes) -> bytes:
    """The message that names an init; ``data`` are its bytes, or none."""
    return message(tile, MessageKind.INIT, msgspec.json.encode(init) + b"\0" + data)
