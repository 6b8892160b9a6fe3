"""Reading recorded files for whoever watches: what goes wrong becomes an answer, and a line in the log that names the
file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nvr.playback.errors import FootageDamaged, FootageUnreadable
from storage.catalogue.segments import Segment
from storage.disk.reading import EndsEarlyError
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.playback.index_cache import OpenSegment

__all__ = ["answer_to", "damaged", "read_exactly", "read_into", "send_extents"]

log = logging.getLogger(__name__)


def answer_to(error: OSError, segment: Segment) -> FootageDamaged:
    """What a disk's error at a segment's file is for those who asked for the footage. The log has the file, which is
    not for everybody's eyes."""
    why = error.strerror or type(error).__name__
    log.error("%s can't be read: %s; nvr check tells whether it is in order", segment.path, why)
    if isinstance(error, EndsEarlyError):
        return FootageDamaged(segment.key, why)
    return FootageUnreadable(segment.key, why)


def damaged(segment: Segment, why: Sentence | str) -> FootageDamaged:
    """The same for a file that can be read, and is not what it should be."""
    log.error("%s is damaged: %s; nvr check tells more", segment.path, why)
    return FootageDamaged(segment.key, why)


def read_exactly(opened: OpenSegment, offset: int, count: int) -> bytes:
    """These bytes of the file.

    Raises:
        FootageDamaged: it ends before them, or (``FootageUnreadable``) can't be read: never fewer bytes than asked for.
    """
    try:
        return opened.data.read_at(offset, count)
    except OSError as error:
        raise answer_to(error, opened.segment) from error


def read_into(opened: OpenSegment, buffers: Sequence[memoryview], offset: int, size: int) -> None:
    """Fills the buffers with the ``size`` bytes of a file from ``offset`` on. Raises as ``read_exactly``."""
    try:
        opened.data.read_into(buffers, offset, size)
    except OSError as error:
        raise answer_to(error, opened.segment) from error


def send_extents(to: int, extents: Iterable[tuple[OpenSegment, int, int]]) -> int:
    """Hands stretches of files (offset, bytes), one behind the other, to a socket that does not block; returns how many
    bytes it took. Raises as ``read_exactly``, and ``ConnectionError`` where the socket is gone."""
    total = 0
    for opened, offset, count in extents:
        while count:
            try:
                sent = opened.data.send_to(to, offset, count)
            except BlockingIOError:
                return total
            except ConnectionError:
                raise
            except OSError as error:
                raise answer_to(error, opened.segment) from error
            total, offset, count = total + sent, offset + sent, count - sent
    return total
