"""The bytes of a virtual file: a head that is made as it is read, then stretches of recorded files, one behind the
other.

Reads at given places of files that are open already, so that threads may read at once. Invariant: any range
reads as the same bytes of the whole; what can't be read raises, and never ends early.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nvr.playback.clip.movie import Lazy, Pieces
from nvr.playback.clip.samples import Payload
from nvr.playback.index_cache import FileSet, OpenSegment, memory_of
from nvr.playback.reading import read_into, send_extents
from storage.format.sample_index import Array

__all__ = ["ClipCost", "ClipLayout", "VirtualFile"]

# Between two stretches lies a moof of some hundred bytes: reading over it is cheaper than reading twice.
_NEAR_BYTES: Final = 16 << 10
# Of the 1,024 buffers that one call takes.
_MOST_BUFFERS: Final = 1000
_KEPT_UNITS: Final = 4


class ClipLayout:
    """Which bytes stand where: ``head``, then the ``payload``. Immutable, so that answers can share it."""

    def __init__(self, head: Pieces, payload: Payload) -> None:
        self.head = head
        self.payload = payload
        self.head_begins = [0, *itertools.accumulate(map(len, head))]
        self.head_bytes = self.head_begins[-1]
        self.size = self.head_bytes + payload.size
        self._kept: dict[int, tuple[int, Array, Array]] = {}

    def read_head(self, first: int, end: int) -> bytes:
        """Bytes ``[first, end)`` of the head."""
        found = []
        for number in range(bisect.bisect_right(self.head_begins, first) - 1, len(self.head)):
            begin = self.head_begins[number]
            if begin >= end:
                break
            piece = self.head[number]
            data = piece.data() if isinstance(piece, Lazy) else piece
            found.append(data[max(first - begin, 0) : end - begin])
        return b"".join(found)

    def extents(self, first: int, end: int) -> list[tuple[int, int, int]]:
        """The recorded bytes ``[first, end)`` of the payload: file, offset in it, bytes."""
        found: list[tuple[int, int, int]] = []
        begins = self.payload.begins
        for number in range(bisect.bisect_right(begins, first) - 1, len(begins)):
            if begins[number] >= end:
                break
            file, starts, rows = self._unit(number)
            a, b = max(first - begins[number], 0), end - begins[number]
            low = int(np.searchsorted(starts, a, "right")) - 1
            high = int(np.searchsorted(starts[:-1], b, "left"))
            for start, (offset, size) in zip(starts[low:high].tolist(), rows[low:high].tolist(), strict=True):
                skip = max(a - start, 0)
                found.append((file, offset + skip, min(size, b - start) - skip))
        return found

    def _unit(self, number: int) -> tuple[int, Array, Array]:
        kept = self._kept.get(number)
        if kept is None:
            file, rows = self.payload.extents(number)
            kept = file, np.concatenate([[0], np.cumsum(rows[:, 1])]), rows
            # Another thread may do the same: either's is right.
            if len(self._kept) >= _KEPT_UNITS:
                self._kept.clear()
            self._kept[number] = kept
        return kept


@dataclass(frozen=True, slots=True)
class ClipCost:
    """What a clip takes for as long as it is sent: open files, and roughly so many bytes of memory."""

    files: int
    bytes: int


class VirtualFile:
    """The bytes of a layout, with the files open that it names by number. They are closed with it. ``cost``: what it
    takes until then."""

    def __init__(self, layout: ClipLayout, files: FileSet) -> None:
        self._layout = layout
        self._files = files
        self.size = layout.size
        self.recorded_from = layout.head_bytes
        # A moov that is made as it is read holds as much as it is long, or less.
        memory = layout.head_bytes + sum(memory_of(each.file) for each in files.files)
        self.cost = ClipCost(len(files.files), memory)

    def read(self, first: int, last: int) -> bytes:
        """Bytes ``first`` to ``last``, both included.

        Raises:
            ValueError: there are no such bytes.
            FootageDamaged: a recorded file is shorter than it was.
        """
        if not 0 <= first <= last < self.size:
            raise ValueError(f"bytes {first} to {last} of {self.size}")
        head_bytes, end = self._layout.head_bytes, last + 1
        head = self._layout.read_head(first, min(end, head_bytes)) if first < head_bytes else b""
        if end <= head_bytes:
            return head
        first = max(first, head_bytes)
        # Not filled with zeros first, and each byte is written where it belongs.
        buffer = np.empty(len(head) + end - first, np.uint8)
        view = memoryview(buffer)  # type: ignore[arg-type]
        view[: len(head)] = head
        with self._files.reading() as files:
            _read_into(view[len(head) :], files, self._layout.extents(first - head_bytes, end - head_bytes))
        return buffer.tobytes()

    def send_some(self, to: int, first: int, end: int) -> int:
        """Hands bytes ``[first, end)``, which are behind the head, to a socket that does not block, as many as it
        takes; returns how many. Raises as ``read``, and ``ConnectionError`` where the socket is gone."""
        head_bytes = self._layout.head_bytes
        with self._files.reading() as files:
            extents = self._layout.extents(first - head_bytes, end - head_bytes)
            return send_extents(to, ((files[file], offset, count) for file, offset, count in extents))

    def close(self) -> None:
        """Closes the recorded files, after the read under way if there is one."""
        self._files.close()


def _read_into(view: memoryview, files: Sequence[OpenSegment], extents: list[tuple[int, int, int]]) -> None:
    """Fills the view with the extents, with as few system calls as can be."""
    between = memoryview(bytearray(_NEAR_BYTES))
    at = number = 0
    while number < len(extents):
        file, start, size = extents[number]
        buffers = [view[at : at + size]]
        at, stop, number = at + size, start + size, number + 1
        while number < len(extents) and len(buffers) < _MOST_BUFFERS:
            next_file, offset, size = extents[number]
            if next_file != file or not 0 <= offset - stop <= _NEAR_BYTES:
                break
            if offset > stop:
                buffers.append(between[: offset - stop])
            buffers.append(view[at : at + size])
            at, stop, number = at + size, offset + size, number + 1
        read_into(files[file], buffers, start, stop - start)
