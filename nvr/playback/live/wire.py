"""How live pictures of several cameras come in one answer: messages, one behind the other. Pure.

A message: number of the camera among those asked for (u8), kind (u8), zero (u16), length of what follows (u32); all
big-endian. Invariant: what a viewer gets of a camera begins with an ``INIT`` and a fragment that begins with a
keyframe, and again after each other init.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import msgspec

__all__ = ["LiveInit", "LiveKind", "NoPicture", "away_message", "fragment_message", "init_message", "ping"]

_HEAD: Final = struct.Struct(">BBHI")
_TIMES: Final = struct.Struct(">QQ")


class LiveKind(IntEnum):
    """``INIT``: JSON (``LiveInit``), a zero byte, and the init's bytes. ``FRAGMENT``: when it begins and ends,
    microseconds since 1970 (u64 each), then ``moof`` and ``mdat``. ``AWAY``: JSON (``NoPicture``). ``PING``: nothing,
    so that nobody in between takes the silence for an end."""

    INIT = 0
    FRAGMENT = 1
    AWAY = 6
    PING = 7


class LiveInit(msgspec.Struct, frozen=True):
    """What decodes the following fragments: codecs as in RFC 6381, size in pixels. ``stream``: ``live``, the one for
    watching, or ``main``, what is recorded."""

    stream: str
    video: str
    audio: str | None
    width: int
    height: int


class NoPicture(msgspec.Struct, frozen=True):
    """Why no picture comes now: a cause, null if nobody knows; ``error`` in words that hold no secret."""

    cause: str | None
    error: str


def _message(tile: int, kind: LiveKind, data: bytes) -> bytes:
    return _HEAD.pack(tile, kind, 0, len(data)) + data


def init_message(tile: int, init: LiveInit, data: bytes) -> bytes:
    """Another init."""
    return _message(tile, LiveKind.INIT, msgspec.json.encode(init) + b"\0" + data)


def fragment_message(tile: int, start_us: int, end_us: int, data: bytes) -> bytes:
    """A fragment."""
    return _message(tile, LiveKind.FRAGMENT, _TIMES.pack(max(start_us, 0), max(end_us, 0)) + data)


def away_message(tile: int, why: NoPicture) -> bytes:
    """No picture comes."""
    return _message(tile, LiveKind.AWAY, msgspec.json.encode(why))


def ping() -> bytes:
    """Nothing."""
    return _message(0, LiveKind.PING, b"")
