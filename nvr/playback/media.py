"""Bytes of one segment's file, as HLS fetches them: opened by key, a range at a time, never on the event loop.

In a file decode times count from its own beginning, so that it opens anywhere as what it is; players of a playlist need those of the run, which go on from
file to file. So these numbers, and nothing else, are changed in what is read for them.
"""

from __future__ import annotations

import asyncio
import os
import re
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final

import numpy as np

from nvr.playback.errors import FootageDamaged, FootageGone, RangeNotSatisfiable
from nvr.playback.index_cache import FileSet, IndexCache, OpenSegment
from storage import segments
from storage.boxes import BoxError, children, header
from storage.database import Database
from storage.segments import Key

__all__ = ["CHUNK_BYTES", "Media", "ahead", "open_media", "parse_range", "read_ahead", "read_exactly"]

CHUNK_BYTES: Final = 1 << 20
"""Bytes read at once: few enough to be fair, many enough that the hop to a thread does not count."""

# Most headers of fragments are shorter.
_MOOF_BYTES: Final = 2 << 10

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


def read_exactly(opened: OpenSegment, offset: int, count: int) -> bytes:
    """These bytes of the file.

    Raises:
        FootageDamaged: it ends before them, or can't be read: never fewer bytes than asked for.
    """
    parts = []
    while count:
        try:
            data = os.pread(opened.fd, count, offset)
        except OSError as error:
            raise FootageDamaged(opened.segment.key, error.strerror or type(error).__name__) from error
        if not data:
            raise FootageDamaged(opened.segment.key, f"it ends at byte {offset}")
        parts.append(data)
        offset, count = offset + len(data), count - len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def ahead(produce: Callable[[], bytes]) -> AsyncIterator[bytes]:
    """What ``produce`` returns call by call, until it is empty. While one piece is being sent, a thread makes the next."""
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
    """Bytes ``first`` to ``last``, both included, in order, in pieces of ``step``."""
    starts = iter(range(first, last + 1, step))

    def produce() -> bytes:
        start = next(starts, None)
        return b"" if start is None else read(start, min(start + step, last + 1) - 1)

    return ahead(produce)


def _to_run_time(opened: OpenSegment, first: int, data: bytes) -> bytes:
    """Bytes of the file from ``first`` on, with the decode times of the run in them.

    Raises:
        FootageDamaged: they are not the fragments that the index says.
    """
    bases = opened.file.bases
    rows = opened.file.index.fragments
    if not bases or not len(rows):
        return data
    last = first + len(data)
    changed = bytearray(data)
    for number in range(int(np.searchsorted(rows[:, 0], first, "right")) - 1, int(np.searchsorted(rows[:, 0], last))):
        if number < 0:
            continue
        offset, size = rows[number].tolist()
        try:
            for at, value in _decode_times(opened, offset, size, first, data, bases):
                begin, end = max(at, first), min(at + len(value), last)
                if begin < end:
                    changed[begin - first : end - first] = value[begin - at : end - at]
        except (BoxError, struct.error, KeyError) as error:
            raise FootageDamaged(opened.segment.key, f"its fragment at byte {offset}: {error}") from error
    return bytes(changed)


def _decode_times(
    opened: OpenSegment, offset: int, size: int, first: int, data: bytes, bases: Mapping[int, int]
) -> Iterator[tuple[int, bytes]]:
    """Where in the file the decode times of a fragment stand, and what those of the run are."""
    count = min(size, _MOOF_BYTES)
    is_here = first <= offset and offset + count <= first + len(data)
    head = data[offset - first : offset - first + count] if is_here else read_exactly(opened, offset, count)
    moof = header(head, 0, size)
    if moof is None or moof.kind != b"moof":
        raise BoxError("no moof")
    if moof.end > len(head):
        head = read_exactly(opened, offset, moof.end)
    for traf in children(head, moof.payload, moof.end):
        if traf.kind != b"traf":
            continue
        base = 0
        for box in children(head, traf.payload, traf.end):
            if box.kind == b"tfhd":
                base = bases[struct.unpack_from(">I", head, box.payload + 4)[0]]
            elif box.kind == b"tfdt":
                if head[box.payload] != 1:
                    raise BoxError("a decode time of 32 bits")
                time = struct.unpack_from(">Q", head, box.payload + 4)[0]
                yield offset + box.payload + 4, struct.pack(">Q", time + base)


class Media:
    """The file of one segment: ``size`` bytes of it are whole. With ``in_run_time`` the decode times in it are those of its run. Close it, or use it as a context
    manager."""

    def __init__(self, opened: OpenSegment, in_run_time: bool = False) -> None:
        self._in_run_time = in_run_time
        self._files = FileSet([opened])
        self.segment = opened.segment
        self.key = opened.segment.key
        self.index = opened.file.index
        self.growing = opened.file.tail is None
        self.size = opened.file.whole_bytes if self.growing else opened.file.size

    @property
    def etag(self) -> str | None:
        """A strong ETag; None while it grows, since its size is not settled. Bytes once there never change."""
        kind = "-run" if self._in_run_time else ""
        return (
            None if self.growing else f'"{self.key.start_us:x}-{self.key.epoch:x}-{self.key.node}-{self.size:x}{kind}"'
        )

    def read(self, first: int, last: int) -> bytes:
        """Bytes ``first`` to ``last``, both included."""
        with self._files.reading() as (file,):
            data = read_exactly(file, first, last + 1 - first)
            return _to_run_time(file, first, data) if self._in_run_time else data

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` (the end) in order, in pieces. Raises ``FootageDamaged`` instead of ending early."""
        return read_ahead(self.read, first, self.size - 1 if last is None else last, CHUNK_BYTES)

    def close(self) -> None:
        """Closes the file, after the read under way if there is one."""
        self._files.close()

    def __enter__(self) -> Media:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_media(database: Database, cache: IndexCache, key: Key, *, in_run_time: bool = False) -> Media:
    """Opens the file of this segment; ``in_run_time``: as playlists need it.

    Raises:
        FootageGone: there is no such segment, or its file is gone.
    """
    with database.read() as conn:
        segment = segments.get(conn, key)
    if segment is None:
        raise FootageGone(key)
    return Media(cache.open(segment), in_run_time)
