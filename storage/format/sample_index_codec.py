"""An index as the bytes of a segment's tail, and back.

Whoever uses an index trusts it with file offsets, so ``decode`` refuses whatever contradicts itself.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from storage.format.boxes import LOSSES, BoxError, Hole, Track
from storage.format.index_bytes import index_bytes, track_bytes
from storage.format.sample_index import Array, SegmentIndex, TrackIndex, narrow

__all__ = ["decode", "encode"]

_LARGEST_INDEX_BYTES = 128 << 20
_NO_HOLES: Array = np.empty((0, 3), np.int64)


def encode(index: SegmentIndex) -> bytes:
    """The index as bytes for a segment's tail; ``decode`` is its inverse."""
    tracks = [
        track_bytes(
            track.track.track_id,
            track.fragments.astype("<u8").tobytes(),
            track.sizes.astype("<u4").tobytes(),
            track.durations.astype("<u4").tobytes(),
            track.offsets.astype("<i4").tobytes(),
            track.sync.astype("<u1").tobytes(),
        )
        for track in index.tracks
    ]
    return index_bytes(index.fragments.astype("<u8").tobytes(), tracks, index.holes)


def decode(data: bytes | memoryview, tracks: tuple[Track, ...]) -> SegmentIndex:
    """The index that ``encode`` made. ``tracks`` come from the file's init.

    Raises:
        BoxError: the bytes are damaged or belong to another init.
    """
    try:
        inflater = zlib.decompressobj()
        reader = _Reader(inflater.decompress(data, _LARGEST_INDEX_BYTES))
        if not inflater.eof:
            raise BoxError("damaged index: it does not end, or is too large")
        fragment_count, track_count = reader.take("<u4", 2).tolist()
        fragments = reader.take("<u8", 2 * fragment_count).reshape(-1, 2)
        by_id = {track.track_id: track for track in tracks}
        found = []
        for _ in range(track_count):
            track_id, rows, count = reader.take("<u4", 3).tolist()
            table = reader.take("<u8", 5 * rows).reshape(-1, 5)
            # More than 31 bits of a size or duration come out negative, and are refused.
            sizes, durations, offsets = (reader.narrow("<i4", count) for _ in range(3))
            sync = reader.narrow("<u1", count) != 0
            found.append(TrackIndex(by_id[track_id], table, sizes, durations, offsets, narrow(sync)))
        holes = reader.take("<i8", 3 * int(reader.take("<u4", 1)[0])).reshape(-1, 3) if reader.left else _NO_HOLES
    except (zlib.error, ValueError, KeyError) as error:
        raise BoxError(f"damaged index: {error}") from None
    for track in found:
        _check(fragments, track)
    if (np.diff(holes[:, :2].reshape(-1)) <= 0).any() or (holes[:, 2] < 0).any() or (holes[:, 2] >= len(LOSSES)).any():
        raise BoxError("damaged index: holes that are none, or not in order")
    told = tuple(Hole(start, end, LOSSES[loss]) for start, end, loss in holes.tolist())
    return SegmentIndex(fragments, tuple(found), told)


def _check(fragments: Array, track: TrackIndex) -> None:
    """Refuses tables that contradict one another: whoever uses an index trusts it with file offsets.

    Raises:
        BoxError: they do.
    """
    rows, sizes = track.fragments, track.sizes
    if fragments.min(initial=0) < 0 or rows.min(initial=0) < 0 or (len(rows) == 0) != (len(sizes) == 0):
        raise BoxError("damaged index: impossible values")
    if not len(rows):
        return
    if sizes.min() < 0 or track.durations.min() < 0:
        raise BoxError("damaged index: impossible values")
    counts = rows[:, 2]
    firsts = np.cumsum(counts) - counts
    if (counts == 0).any() or (rows[:, 1] != firsts).any() or int(counts.sum()) != len(sizes):
        raise BoxError("damaged index: its samples are not those of its fragments")
    if (rows[:, 0] >= len(fragments)).any():
        raise BoxError("damaged index: it names a fragment that it does not have")
    own = fragments[rows[:, 0]]
    ends = rows[:, 3] + np.add.reduceat(sizes, firsts, dtype=np.int64)
    if (rows[:, 3] < own[:, 0]).any() or (ends > own[:, 0] + own[:, 1]).any():
        raise BoxError("damaged index: samples outside their fragment")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self._data) - self._at

    def take(self, kind: str, count: int) -> Array:
        array = np.frombuffer(self._data, dtype=kind, count=count, offset=self._at)
        self._at += array.nbytes
        return array.astype(np.int64)

    def narrow(self, kind: str, count: int) -> Any:
        """As ``take``, as narrow as it is stored."""
        array = np.frombuffer(self._data, dtype=kind, count=count, offset=self._at)
        self._at += array.nbytes
        # A copy: a view would keep all of the data.
        return narrow(array.copy())
