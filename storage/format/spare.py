"""The spare: newest frames of a growing segment whose duration is not known yet, kept in its file so that a power cut
does not cost them.

A ``uuid`` box between fragments, which players pass over: a checksum, then a whole fragment in which the last frame
lasts as long as is certain. Once the next frame comes these frames are written as a fragment like all others, and the
spare behind which it stands means nothing any more. Adoption makes a fragment of one that is last in its file. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from storage.format.boxes import BoxError, header, parse_moof

__all__ = ["Spare", "last_spare", "spare_head"]

_UUID: Final = bytes.fromhex("6e76722d737061728f1c4b52a9d07e31")
# Size, kind and UUID of the box; CRC-32 of the fragment in it.
_HEAD: Final = struct.Struct(">I4s16sI")


@dataclass(frozen=True, slots=True)
class Spare:
    """A whole spare: the fragment in it, and where the box ends in its file."""

    fragment: bytes
    end: int


def spare_head(fragment: bytes) -> bytes:
    """What stands before ``fragment`` (``moof`` and ``mdat``) to make a spare of it."""
    return _HEAD.pack(_HEAD.size + len(fragment), b"uuid", _UUID, zlib.crc32(fragment))


def last_spare(read: Callable[[int, int], bytes], start: int, limit: int) -> Spare | None:
    """The last whole spare in ``[start, limit)`` of a file, which begins where its last whole fragment ends; None if
    there is none. ``read(offset, size)`` gives the file's bytes. What is not whole, or damaged, ends the search."""
    found: Spare | None = None
    at = start
    while True:
        head = read(at, min(_HEAD.size, limit - at))
        try:
            box = header(head, 0, len(head))
        except BoxError:
            return found
        if box is None or not box.kind.isalnum() or at + box.end > limit:
            return found
        if box.kind == b"uuid" and box.end > _HEAD.size and head[8:24] == _UUID:
            fragment = read(at + _HEAD.size, box.end - _HEAD.size)
            if zlib.crc32(fragment) != _HEAD.unpack(head)[3] or not _is_fragment(fragment):
                return found
            found = Spare(fragment, at + box.end)
        at += box.end


def _is_fragment(data: bytes) -> bool:
    try:
        moof = header(data, 0, len(data))
        if moof is None or moof.kind != b"moof" or moof.end > len(data):
            return False
        parse_moof(data[: moof.end])
        mdat = header(data, moof.end, len(data))
    except BoxError:
        return False
    return mdat is not None and mdat.kind == b"mdat" and mdat.end == len(data)
