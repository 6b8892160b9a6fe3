"""Bytes of one segment's file, as HLS fetches them: opened by key, a range at a time, never on the event loop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from nvr.playback.errors import FootageGone, RangeNotSatisfiable
from nvr.playback.index_cache import FileSet, IndexCache, OpenSegment
from nvr.playback.player_time import counted_from
from nvr.playback.reading import read_exactly, send_extents
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key

__all__ = ["CHUNK_BYTES", "SegmentMedia", "ahead", "open_media", "parse_range", "read_ahead", "read_exactly"]

CHUNK_BYTES: Final = 1 << 20
"""Bytes read at once: few enough to be fair, many enough that the hop to a thread does not count."""

_FIRST_BYTES: Final = 64 << 10

_RANGE: Final = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)", re.IGNORECASE | re.ASCII)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte that a ``Range`` header asks for of ``size`` bytes; None if all are to be sent.

    What is not understood is passed over, as RFC 9110 §14.2 allows: other units, several ranges, reversed ones.

    Raises:
        RangeNotSatisfiable: the range begins at or beyond the end, or is the last zero bytes.
    """
    match = _RANGE.fullmatch(header.strip()) if header is not None else None
    # No file has a length of 20 digits, and Python refuses to read numbers of thousands.
    if match is None or len(match[1]) > 20 or len(match[2]) > 20:
        return None
    low, high = match[1], match[2]
    if not low:
        if not high:
            return None
        if int(high) == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return max(size - int(high), 0), size - 1
    if high and int(high) < int(low):
        return None
    if int(low) >= size:
        raise RangeNotSatisfiable(size)
    return int(low), min(int(high), size - 1) if high else size - 1


async def ahead(produce: Callable[[], bytes]) -> AsyncIterator[bytes]:
    """What ``produce`` returns call by call, until it is empty. While one piece is being sent, a thread makes the
    next."""
    loop = asyncio.get_running_loop()
    coming = loop.run_in_executor(None, produce)
    try:
        while data := await coming:
            coming = loop.run_in_executor(None, produce)
            yield data
    finally:
        # If nobody waits for it any more, what went wrong with it is nobody's business.
        coming.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


def read_ahead(read: Callable[[int, int], bytes], first: int, last: int, step: int) -> AsyncIterator[bytes]:
    """Bytes ``first`` to ``last``, both included, in order, in pieces of ``step``, the first one smaller: who waits
    hears at once."""
    at, size = first, min(step, _FIRST_BYTES)

    def produce() -> bytes:
        nonlocal at, size
        if at > last:
            return b""
        start, at = at, min(at + size, last + 1)
        size = step
        return read(start, at - 1)

    return ahead(produce)


class SegmentMedia:
    """The file of one segment: ``size`` bytes of it are whole. With ``zero_us`` its decode times count from then, as
    those of a playlist do. Close it, or use it as a context manager."""

    def __init__(self, opened: OpenSegment, zero_us: int | None = None) -> None:
        self._zero_us = zero_us
        self.is_as_recorded = zero_us is None
        self._files = FileSet([opened])
        self.segment = opened.segment
        self.key = opened.segment.key
        self.index = opened.file.index
        self.growing = opened.file.tail is None
        self.size = opened.file.whole_bytes if self.growing else opened.file.size

    @property
    def etag(self) -> str | None:
        """A strong ETag; None while it grows, since its size is not settled. Bytes once there never change."""
        kind = "" if self._zero_us is None else f"-{self._zero_us:x}"
        return (
            None if self.growing else f'"{self.key.start_us:x}-{self.key.epoch:x}-{self.key.node}-{self.size:x}{kind}"'
        )

    def read(self, first: int, last: int) -> bytes:
        """Bytes ``first`` to ``last``, both included."""
        with self._files.reading() as (file,):
            data = read_exactly(file, first, last + 1 - first)
            return data if self._zero_us is None else counted_from(self._zero_us, file, first, data)

    def send_some(self, to: int, first: int, end: int) -> int:
        """Hands bytes ``[first, end)`` to a socket that does not block, as many as it takes; returns how many. Raises
        as ``read``, and ``ConnectionError`` where the socket is gone."""
        with self._files.reading() as (file,):
            return send_extents(to, [(file, first, end - first)])

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` (the end) in order, in pieces. Raises ``FootageDamaged`` instead of ending
        early."""
        return read_ahead(self.read, first, self.size - 1 if last is None else last, CHUNK_BYTES)

    def close(self) -> None:
        """Closes the file, after the read under way if there is one."""
        self._files.close()

    def __enter__(self) -> SegmentMedia:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_media(database: Database, cache: IndexCache, key: Key, *, zero_us: int | None = None) -> SegmentMedia:
    """Opens the file of this segment; ``zero_us``: with decode times that count from then.

    Raises:
        FootageGone: there is no such segment, or its file is gone.
    """
    with database.read() as conn:
        segment = segments.get(conn, key)
    if segment is None:
        raise FootageGone(key)
    return SegmentMedia(cache.open(segment), zero_us)
