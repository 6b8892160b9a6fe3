"""How far behind its range an export reaches so that the camera's own signature of the last frames is in it.

A signature stands behind what it signs, in the next group of pictures as a rule. What is there for it alone never keeps
what was asked for from being exported.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from nvr.evidence.package.parts import PackagePart, part_of
from nvr.playback.errors import PlaybackError
from nvr.playback.index_cache import IndexCache
from nvr.playback.reading import read_exactly
from storage.coverage.one_camera import Piece
from storage.format.sample_index import SegmentIndex

__all__ = ["SIGNATURE_UUID", "SIGNATURE_WITHIN_US", "until_signed"]

log = logging.getLogger(__name__)

SIGNATURE_UUID: Final = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
"""User data of SEI units that carry a camera's own signatures (ONVIF Media Signing)."""
SIGNATURE_WITHIN_US: Final = 30_000_000
"""So far behind the range a signature is looked for."""
# Of so many fragments of a camera that signs at least one has a signature.
_SIGNED_WITHIN: Final = 60


def until_signed(
    cache: IndexCache, following: Sequence[Piece], index: SegmentIndex, last: int
) -> tuple[int, list[PackagePart]]:
    """Where to end, so that the camera's signature of the last pictures is in: behind the next fragment that carries
    one."""
    opened = cache.open(following[0].segment)
    try:

        def signs(number: int) -> bool:
            offset, size = (int(value) for value in index.fragments[number])
            return SIGNATURE_UUID in read_exactly(opened, offset, size)

        # A camera that signs does so at least once a few groups of pictures. A segment that has just begun need not
        # hold one yet: then what comes tells.
        seen = range(last - 1, max(0, last - _SIGNED_WITHIN) - 1, -1)
        signed = any(signs(number) for number in seen)
        if not signed and len(seen) == _SIGNED_WITHIN:
            return last, []
        for number in range(last, len(index.fragments) if signed else min(last + _SIGNED_WITHIN, len(index.fragments))):
            if signs(number):
                return number + 1, []
    finally:
        opened.close()
    more: list[PackagePart] = []
    if len(following) > 1 and following[0].end_us == following[0].segment.end_us:
        more = _signed_in(cache, following[1:])
    return (len(index.fragments), more) if signed or more else (last, [])


def _signed_in(cache: IndexCache, pieces: Sequence[Piece]) -> list[PackagePart]:
    """The beginning of the segments that follow, up to the first signature in them; nothing if none comes soon, or can
    be read: what was asked for is exported all the same."""
    try:
        return _first_signed(cache, pieces)
    except PlaybackError as error:
        log.warning("the camera's signature behind the range is not exported: %s", error)
        return []


def _first_signed(cache: IndexCache, pieces: Sequence[Piece]) -> list[PackagePart]:
    until_us = pieces[0].start_us + SIGNATURE_WITHIN_US
    parts: list[PackagePart] = []
    for piece in pieces:
        opened = cache.open(piece.segment)
        part = None
        try:
            index = opened.file.index
            for number, (offset, size) in enumerate(index.fragments.tolist()):
                part = part_of(piece, index, 0, number + 1)
                if SIGNATURE_UUID in read_exactly(opened, offset, size):
                    return [*parts, part]
                if part.end_us > until_us:
                    return []
        finally:
            opened.close()
        if part is None or piece.end_us != piece.segment.end_us:
            break
        parts.append(part)
    return []
