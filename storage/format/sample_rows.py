"""The rows of one track of an index that is being built, in little memory: a worker keeps one for each segment that
grows. Invariant: what ``rows`` and ``samples`` give is what was added, in that order."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from storage.format.boxes import BoxError
from storage.format.index_bytes import little_endian, track_bytes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["SampleRows"]

_TOO_LARGE: Final = "a sample larger or longer than any can be"
# Fits into 32 bits, but not with its sign turned.
_LEAST: Final = -(1 << 31)


class SampleRows:
    """``count`` samples so far."""

    __slots__ = ("_rows", "_samples", "count")

    def __init__(self) -> None:
        self.count = 0
        # Five numbers a fragment.
        self._rows = array("q")
        # Four numbers of 32 bits a sample.
        self._samples = array("i")

    def add(self, number: int, count: int, offset: int, time: int, packed: bytes) -> None:
        """The fragment of this number has so many samples, from this offset in the file and this decode time on;
        ``packed`` as of ``TrackFragment``.

        Raises:
            BoxError: values that need more than 32 bits, which no sample can have.
        """
        try:
            samples = array("i", memoryview(packed).cast("q").tolist())
        except OverflowError:
            raise BoxError(_TOO_LARGE) from None
        if min(samples, default=0) == _LEAST:
            raise BoxError(_TOO_LARGE)
        self._rows.extend((number, self.count, count, offset, time))
        self._samples.extend(samples)
        self.count += count

    def rows(self) -> npt.NDArray[np.int64]:
        """A row a fragment: its number, its first sample's, how many, their offset and decode time."""
        import numpy as np

        return np.array(self._rows, dtype=np.int64).reshape(-1, 5)

    def samples(self) -> npt.NDArray[np.int32]:
        """A row a sample: bytes, duration, composition offset, sync (0 or 1)."""
        import numpy as np

        return np.frombuffer(self._samples.tobytes(), np.int32).reshape(-1, 4)

    def packed(self, track_id: int) -> bytes:
        """All of it as ``track_bytes``."""
        sizes, durations, offsets, sync = (self._samples[column::4] for column in range(4))
        return track_bytes(
            track_id,
            little_endian(self._rows),
            little_endian(sizes),
            little_endian(durations),
            little_endian(offsets),
            bytes(sync.tolist()),
        )
