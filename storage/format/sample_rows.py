"""The rows of one track of an index that is being built, in little memory: a worker keeps one for each segment that
grows. Invariant: what ``rows`` and ``samples`` give is what was added, in that order."""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
import numpy.typing as npt

from storage.format.boxes import BoxError

__all__ = ["SampleRows"]

_LARGEST: Final = (1 << 31) - 1
# Fragments whose samples wait to be packed: each call of NumPy costs as much as several of them.
_PENDING: Final = 16


class SampleRows:
    """``count`` samples so far."""

    __slots__ = ("_packed", "_pending", "_rows", "count")

    def __init__(self) -> None:
        self.count = 0
        # Five numbers a fragment.
        self._rows = array("q")
        # Four numbers of 32 bits a sample; of the newest fragments, as they came, of 64.
        self._packed = bytearray()
        self._pending: list[bytes] = []

    def add(self, number: int, count: int, offset: int, time: int, packed: bytes) -> None:
        """The fragment of this number has so many samples, from this offset in the file and this decode time on;
        ``packed`` as of ``TrackFragment``.

        Raises:
            BoxError: values that need more than 32 bits, which no sample can have.
        """
        self._rows.extend((number, self.count, count, offset, time))
        self.count += count
        self._pending.append(packed)
        if len(self._pending) >= _PENDING:
            self._pack()

    def _pack(self) -> None:
        values = np.frombuffer(b"".join(self._pending), np.int64)
        if len(values) and (int(values.max()) > _LARGEST or int(values.min()) < -_LARGEST):
            raise BoxError("a sample larger or longer than any can be")
        self._packed += values.astype(np.int32).tobytes()
        self._pending.clear()

    def rows(self) -> npt.NDArray[np.int64]:
        """A row a fragment: its number, its first sample's, how many, their offset and decode time."""
        return np.array(self._rows, dtype=np.int64).reshape(-1, 5)

    def samples(self) -> npt.NDArray[np.int32]:
        """A row a sample: bytes, duration, composition offset, sync (0 or 1). Raises as ``add``."""
        self._pack()
        return np.frombuffer(bytes(self._packed), np.int32).reshape(-1, 4)
