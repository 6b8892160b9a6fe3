"""The index of one segment file: where its fragments and samples are.

A closed segment carries it in its tail (``storage.segment_file``); for a growing or cut-off one it is scanned from the
``moof`` headers. Invariant: the index read from a tail equals the index scanned from the same file, and every fragment it
lists lies whole inside the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from storage.boxes import BoxError, Fragment, Track, parse_moof
from storage.boxes import header as box_header

__all__ = ["FragmentRow", "IndexBuilder", "SegmentIndex", "TrackIndex", "decode", "encode", "scan"]

Array = npt.NDArray[np.int64]

# A fragment holds half a second; a moof larger than this is damage, not a fragment, and must not be read into memory.
LARGEST_MOOF_BYTES = 4 << 20
# Two hours of 60 pictures and 50 sounds a second are 0.8 M samples. What declares more is damage and must not fill the memory.
_MOST_SAMPLES = 4 << 20
_LARGEST_INDEX_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class TrackIndex:
    """Samples of one track of one segment, in file order.

    ``fragments``: a row a fragment that has samples of this track: index of the fragment, first sample's number, number
    of samples, absolute offset of the first sample's bytes, decode time of the first sample in ticks.
    ``samples``: a row a sample: size in bytes, duration in ticks, composition offset in ticks, sync (0 or 1).
    Samples of one row of ``fragments`` lie one behind the other in the file.
    """

    track: Track
    fragments: Array
    samples: Array

    @property
    def decode_times(self) -> Array:
        """The decode time of each sample, in ticks of the track's timescale."""
        before = np.cumsum(self.samples[:, 1]) - self.samples[:, 1]
        first = self.fragments[:, 1]
        base = self.fragments[:, 4] - before[first] if len(first) else np.empty(0, np.int64)
        times: Array = before + np.repeat(base, self.fragments[:, 2])
        return times

    @property
    def offsets(self) -> Array:
        """The absolute file offset of each sample's bytes."""
        before = np.cumsum(self.samples[:, 0]) - self.samples[:, 0]
        first = self.fragments[:, 1]
        base = self.fragments[:, 3] - before[first] if len(first) else np.empty(0, np.int64)
        offsets: Array = before + np.repeat(base, self.fragments[:, 2])
        return offsets


@dataclass(frozen=True, slots=True)
class FragmentRow:
    """One fragment, by its video track: byte range in the file, presentation time of its first sample and decode time
    after its last in ticks, whether its first sample is a sync sample."""

    offset: int
    size: int
    start: int
    end: int
    sync: bool


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """Fragments and samples of one segment. ``fragments``: a row a fragment: offset and size in bytes (moof + mdat)."""

    fragments: Array
    tracks: tuple[TrackIndex, ...]

    @property
    def video(self) -> TrackIndex:
        """The video track; a segment has exactly one."""
        return next(track for track in self.tracks if track.track.kind == "video")

    @property
    def end_offset(self) -> int:
        """Where the last whole fragment ends, in bytes from the start of the file; 0 if there is none."""
        return int(self.fragments[-1].sum()) if len(self.fragments) else 0

    @property
    def media_end(self) -> int:
        """The presentation time at which the video ends, in ticks: the greatest of its samples' ends."""
        video = self.video
        ends = video.decode_times + video.samples[:, 2] + video.samples[:, 1]
        return int(ends.max()) if len(ends) else 0

    def rows(self) -> list[FragmentRow]:
        """The fragments that carry video, in order, as a playlist needs them."""
        video = self.video
        times = video.decode_times
        rows: list[FragmentRow] = []
        for number, first, count, _, _ in video.fragments.tolist():
            offset, size = self.fragments[number].tolist()
            last = first + count - 1
            rows.append(
                FragmentRow(
                    offset,
                    size,
                    int(times[first] + video.samples[first, 2]),
                    int(times[last] + video.samples[last, 1]),
                    bool(video.samples[first, 3]),
                )
            )
        return rows


@dataclass(slots=True)
class IndexBuilder:
    """Collects an index fragment by fragment: by the writer as it writes, and by a scan as it reads."""

    tracks: tuple[Track, ...]
    _fragments: list[tuple[int, int]] = field(default_factory=list)
    _rows: dict[int, list[tuple[int, int, int, int, int]]] = field(default_factory=dict)
    _samples: dict[int, list[Array]] = field(default_factory=dict)
    _counts: dict[int, int] = field(default_factory=dict)

    def add(self, offset: int, size: int, fragment: Fragment) -> None:
        """Adds the fragment whose ``moof`` begins at ``offset`` and which is ``size`` bytes long, ``mdat`` included.

        Raises:
            BoxError: samples of an undeclared track, or outside the fragment.
        """
        known = {track.track_id for track in self.tracks}
        for part in fragment.tracks:
            if part.track_id not in known:
                raise BoxError(f"fragment at {offset} has track {part.track_id}, which the init does not declare")
            if part.data_offset < 0 or part.data_offset + int(part.samples[:, 0].sum()) > size:
                raise BoxError(f"fragment at {offset} has samples outside itself")
        if sum(self._counts.values()) + sum(len(part.samples) for part in fragment.tracks) > _MOST_SAMPLES:
            raise BoxError(f"more than {_MOST_SAMPLES} samples by the fragment at {offset}")
        number = len(self._fragments)
        self._fragments.append((offset, size))
        for part in fragment.tracks:
            count = len(part.samples)
            if not count:
                continue
            first = self._counts.get(part.track_id, 0)
            row = (number, first, count, offset + part.data_offset, part.decode_time)
            self._rows.setdefault(part.track_id, []).append(row)
            self._samples.setdefault(part.track_id, []).append(part.samples)
            self._counts[part.track_id] = first + count

    def build(self) -> SegmentIndex:
        """The index of what was added so far."""
        tracks = []
        for track in self.tracks:
            rows = np.array(self._rows.get(track.track_id, []), dtype=np.int64).reshape(-1, 5)
            samples = self._samples.get(track.track_id, [])
            tracks.append(TrackIndex(track, rows, np.concatenate(samples) if samples else np.empty((0, 4), np.int64)))
        return SegmentIndex(np.array(self._fragments, dtype=np.int64).reshape(-1, 2), tuple(tracks))


def scan(read: Callable[[int, int], bytes], start: int, limit: int, builder: IndexBuilder) -> int:
    """Adds every whole fragment in ``[start, limit)`` of a file to the builder; returns where the next one would begin.

    ``read(offset, size)`` gives the file's bytes. Boxes between fragments are passed over. Stops without an error at the first box
    that is not whole yet: that is how a growing file looks.

    Raises:
        BoxError: what stands there can never become a fragment.
    """
    at = start
    while True:
        head = read(at, min(16, limit - at))
        moof = box_header(head, 0, len(head))
        if moof is None or at + moof.end > limit:
            return at
        if moof.kind != b"moof":
            if not moof.kind.isalnum():
                raise BoxError(f"no box at {at}")
            at += moof.end
            continue
        if moof.end > LARGEST_MOOF_BYTES:
            raise BoxError(f"moof at {at} declares {moof.end} bytes")
        data = read(at, min(moof.end + 16, limit - at))
        mdat = box_header(data, moof.end, len(data))
        if mdat is None or at + mdat.end > limit:
            return at
        if mdat.kind != b"mdat":
            raise BoxError(f"moof at {at} is followed by {mdat.kind!r}, not by its mdat")
        builder.add(at, mdat.end, parse_moof(data[: moof.end]))
        at += mdat.end


def encode(index: SegmentIndex) -> bytes:
    """The index as bytes for a segment's tail; ``decode`` is its inverse."""
    parts = [np.array([len(index.fragments), len(index.tracks)], dtype="<u4").tobytes()]
    parts.append(index.fragments.astype("<u8").tobytes())
    for track in index.tracks:
        head = [track.track.track_id, len(track.fragments), len(track.samples)]
        parts.append(np.array(head, dtype="<u4").tobytes())
        parts.append(track.fragments.astype("<u8").tobytes())
        # Column by column: durations and flags are nearly constant and vanish in the compression.
        for column, kind in zip(range(4), ("<u4", "<u4", "<i4", "<u1"), strict=True):
            parts.append(np.ascontiguousarray(track.samples[:, column]).astype(kind).tobytes())
    return zlib.compress(b"".join(parts), 1)


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
            columns = [reader.take(kind, count) for kind in ("<u4", "<u4", "<i4", "<u1")]
            found.append(TrackIndex(by_id[track_id], table, np.stack(columns, axis=1) if count else _NO_SAMPLES))
    except (zlib.error, ValueError, KeyError) as error:
        raise BoxError(f"damaged index: {error}") from None
    for track in found:
        _check(fragments, track)
    return SegmentIndex(fragments, tuple(found))


def _check(fragments: Array, track: TrackIndex) -> None:
    """Refuses tables that contradict one another: whoever uses an index trusts it with file offsets.

    Raises:
        BoxError: they do.
    """
    rows, samples = track.fragments, track.samples
    if (fragments < 0).any() or (rows < 0).any() or (len(rows) == 0) != (len(samples) == 0):
        raise BoxError("damaged index: impossible values")
    if not len(rows):
        return
    counts = rows[:, 2]
    firsts = np.cumsum(counts) - counts
    if (counts == 0).any() or (rows[:, 1] != firsts).any() or int(counts.sum()) != len(samples):
        raise BoxError("damaged index: its samples are not those of its fragments")
    if (rows[:, 0] >= len(fragments)).any():
        raise BoxError("damaged index: it names a fragment that it does not have")
    own = fragments[rows[:, 0]]
    ends = rows[:, 3] + np.add.reduceat(samples[:, 0], firsts)
    if (rows[:, 3] < own[:, 0]).any() or (ends > own.sum(axis=1)).any():
        raise BoxError("damaged index: samples outside their fragment")


_NO_SAMPLES = np.empty((0, 4), np.int64)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, kind: str, count: int) -> Array:
        array = np.frombuffer(self._data, dtype=kind, count=count, offset=self._at)
        self._at += array.nbytes
        return array.astype(np.int64)
