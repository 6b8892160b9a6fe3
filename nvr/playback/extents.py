"""The bytes of a virtual file: a header in memory, then stretches of recorded files, one behind the other.

Reads only with ``os.pread`` on files that are open already, so that threads may read at once. Invariant: any range reads as the same bytes of
the whole; what can't be read raises, and never ends early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from nvr.playback.chains import Array
from nvr.playback.index_cache import FileSet, OpenSegment
from nvr.playback.media import read_exactly

__all__ = ["VirtualFile"]

# Between two stretches lies a moof of some hundred bytes: reading over it is cheaper than reading twice.
_NEAR_BYTES: Final = 16 << 10


class VirtualFile:
    """``extents`` has a row a stretch: number of the file in ``files``, offset in it, bytes. The files are closed with it."""

    def __init__(self, header: bytes, files: FileSet, extents: Array) -> None:
        self._header = header
        self._files = files
        self._extents = extents
        self._starts = len(header) + np.concatenate([[0], np.cumsum(extents[:, 2])])
        self.size = int(self._starts[-1])

    def read(self, first: int, last: int) -> bytes:
        """Bytes ``first`` to ``last``, both included.

        Raises:
            ValueError: there are no such bytes.
            FootageDamaged: a recorded file is shorter than it was.
        """
        if not 0 <= first <= last < self.size:
            raise ValueError(f"bytes {first} to {last} of {self.size}")
        parts: list[bytes | memoryview] = [self._header[first : last + 1]] if first < len(self._header) else []
        at = max(first, len(self._header))
        if at <= last:
            with self._files.reading() as files:
                parts += self._recorded(files, at, last + 1)
        return b"".join(parts)

    def close(self) -> None:
        """Closes the recorded files, after the read under way if there is one."""
        self._files.close()

    def _recorded(self, files: Sequence[OpenSegment], begin: int, end: int) -> list[bytes | memoryview]:
        low = int(np.searchsorted(self._starts, begin, "right")) - 1
        high = int(np.searchsorted(self._starts, end, "left"))
        wanted = []
        for (file, offset, size), start in zip(
            self._extents[low:high].tolist(), self._starts[low:high].tolist(), strict=True
        ):
            skip = max(begin - start, 0)
            wanted.append((file, offset + skip, offset + min(size, end - start)))
        parts: list[bytes | memoryview] = []
        at = 0
        while at < len(wanted):
            file, start, stop = wanted[at]
            until = at + 1
            while until < len(wanted) and wanted[until][0] == file and 0 <= wanted[until][1] - stop <= _NEAR_BYTES:
                stop = wanted[until][2]
                until += 1
            data = read_exactly(files[file], start, stop - start)
            if until == at + 1:
                parts.append(data)
            else:
                view = memoryview(data)
                parts += [view[a - start : b - start] for _, a, b in wanted[at:until]]
            at = until
        return parts
