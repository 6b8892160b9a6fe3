"""What a process that reads streams for watching says: a head of JSON and bytes, one behind the other. Pure.

On its stdin come lines of JSON: ``{"open": settings with their secrets}``, ``{"close": id}``.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

__all__ = ["HEAD", "Watched", "encoded", "length_of"]

HEAD: Final = struct.Struct(">II")
"""Before each message: how long its JSON is, and what follows that."""

_MOST_BYTES: Final = 64 << 20


class Watched(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``kind``: ``init`` (bytes: ``ftyp`` and ``moov``; ``codec`` as in RFC 6381, size in pixels), ``fragment`` (bytes:
    ``moof`` and ``mdat``; ``start_us``: about when its first frame was taken, ``duration_us``; ``sync``: it begins with
    a keyframe) or ``away`` (``cause``, and ``error`` in words that hold no secret)."""

    camera: str
    kind: str
    codec: str = ""
    width: int = 0
    height: int = 0
    start_us: int = 0
    duration_us: int = 0
    sync: bool = False
    cause: str = ""
    error: str = ""


def encoded(what: Watched, data: bytes = b"") -> bytes:
    """One message."""
    head = msgspec.json.encode(what)
    return HEAD.pack(len(head), len(data)) + head + data


def length_of(head: bytes) -> tuple[int, int]:
    """How long the JSON and the bytes are.

    Raises:
        ValueError: that is no head.
    """
    told, data = HEAD.unpack(head)
    if told > 1 << 16 or data > _MOST_BYTES:
        raise ValueError(f"a message of {told} and {data} bytes")
    return told, data
