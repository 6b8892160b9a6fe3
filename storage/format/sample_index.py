"""The index of one segment file: where its fragments and samples are.

A closed segment carries it in its tail (``storage.format.sample_index_codec``); for a growing or cut-off one it is
scanned from the ``moof`` headers. Invariant: the index read from a tail equals the index scanned from the same file,
and every fragment it lists lies whole inside the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.format.boxes import BoxError, Fragment, Hole, Track, parse_moof
from storage.format.boxes import header as box_header
from storage.format.sample_rows import SampleRows

__all__ = ["Array", "Flags", "FragmentRow", "IndexBuilder", "Narrow", "SegmentIndex", "TrackIndex", "narrow", "scan"]

Array = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_LARGEST = (1 << 31) - 1

# A fragment holds half a second; a moof larger than this is damage, not a fragment, and must not be read into memory.
LARGEST_MOOF_BYTES = 4 << 20
# Two hours of 60 pictures and 50 sounds a second are 0.8 M samples. What declares more is damage and must not fill the
# memory.
_MOST_SAMPLES = 4 << 20


@dataclass(frozen=True, slots=True)
class TrackIndex:
    """Samples of one track of one segment, in file order.

    ``fragments``: a row a fragment that has samples of this track: index of the fragment, first sample's number, number
    of samples, absolute offset of the first sample's bytes, decode time of the first sample in ticks. A value a sample:
    ``sizes`` in bytes, ``durations`` in ticks, composition ``offsets`` in ticks, whether it is a ``sync`` sample. 32
    bits each, or no memory at all where all are the same: an index of a day has millions of samples. Samples of one row
    of ``fragments`` lie one behind the other in the file.
    """

    track: Track
    fragments: Array
    sizes: Narrow
    durations: Narrow
    offsets: Narrow
    sync: Flags

    @classmethod
    def of(cls, track: Track, fragments: Array, samples: Array | Narrow) -> TrackIndex:
        """From a row a sample: bytes, duration, composition offset, sync (0 or 1).

        Raises:
            BoxError: values that need more than 32 bits, which no sample can have.
        """
        if len(samples) and (int(samples.max()) > _LARGEST or int(samples.min()) < -_LARGEST):
            raise BoxError("a sample larger or longer than any can be")
        sizes, durations, offsets = (narrow(samples[:, column].astype(np.int32)) for column in range(3))
        return cls(track, fragments, sizes, durations, offsets, narrow(samples[:, 3] != 0))

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.sizes)

    @property
    def steps(self) -> Narrow | Array:
        """From each sample's decode time to the next one's, in ticks; the last one's is its duration."""
        rows = self.fragments
        if len(rows) < 2:
            return self.durations
        lengths = np.add.reduceat(self.durations, rows[:, 1], dtype=np.int64)
        jumps = rows[1:, 4] - rows[:-1, 4] - lengths[:-1]
        if not jumps.any():
            return self.durations
        steps = self.durations.astype(np.int64)
        steps[rows[1:, 1] - 1] += jumps
        return steps

    @property
    def decode_times(self) -> Array:
        """The decode time of each sample, in ticks of the track's timescale."""
        times = np.empty(self.count, np.int64)
        if self.count:
            times[0] = self.fragments[0, 4]
            times[1:] = self.steps[:-1]
        return np.cumsum(times, out=times)

    @property
    def byte_offsets(self) -> Array:
        """The absolute file offset of each sample's bytes."""
        before = np.cumsum(self.sizes) - self.sizes
        first = self.fragments[:, 1]
        base = self.fragments[:, 3] - before[first] if len(first) else np.empty(0, np.int64)
        offsets: Array = before + np.repeat(base, self.fragments[:, 2])
        return offsets

    @property
    def end_time(self) -> int:
        """The decode time at which the last sample's duration ends; 0 if there is none."""
        if not len(self.fragments):
            return 0
        _, first, _, _, time = self.fragments[-1].tolist()
        return int(time + self.durations[first:].sum())

    def followed_by(self, more: TrackIndex) -> TrackIndex:
        """One index of two of the same file; the rows of ``more`` count on from those of this one."""
        return TrackIndex(
            self.track,
            np.concatenate([self.fragments, more.fragments]),
            *(
                narrow(np.concatenate([a, b]))
                for a, b in (
                    (self.sizes, more.sizes),
                    (self.durations, more.durations),
                    (self.offsets, more.offsets),
                    (self.sync, more.sync),
                )
            ),
        )


def narrow(values: Any) -> Any:
    """The same array, without memory if all its values are the same."""
    if len(values) and (values[0] == values).all():
        return np.broadcast_to(values[:1].copy()[0], len(values))
    return values


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
    """Fragments and samples of one segment. ``fragments``: a row a fragment: offset and size in bytes (moof + mdat).
    ``holes`` by time."""

    fragments: Array
    tracks: tuple[TrackIndex, ...]
    holes: tuple[Hole, ...] = ()

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
        ends = video.decode_times + video.offsets + video.durations
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
                    int(times[first] + video.offsets[first]),
                    int(times[last] + video.durations[last]),
                    bool(video.sync[first]),
                )
            )
        return rows


def _declares(tracks: tuple[Track, ...], track_id: int) -> bool:
    for track in tracks:  # noqa: SIM110 - a generator would cost more than all of it
        if track.track_id == track_id:
            return True
    return False


@dataclass(slots=True)
class IndexBuilder:
    """Collects an index fragment by fragment: by the writer as it writes, and by a scan as it reads. ``bases`` are
    added to the decode times of each track: what a scan finds in a file counts from the file's own beginning."""

    tracks: tuple[Track, ...]
    bases: Mapping[int, int] = field(default_factory=dict)
    _fragments: array[int] = field(default_factory=lambda: array("q"))
    _of_tracks: dict[int, SampleRows] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)

    def add(self, offset: int, size: int, fragment: Fragment) -> None:
        """Adds the fragment whose ``moof`` begins at ``offset`` and which is ``size`` bytes long, ``mdat`` included.

        Raises:
            BoxError: samples of an undeclared track, or outside the fragment; a hole that begins before another ends.
        """
        total = 0
        for rows in self._of_tracks.values():
            total += rows.count
        for part in fragment.tracks:
            total += part.count
            if not _declares(self.tracks, part.track_id):
                raise BoxError(f"fragment at {offset} has track {part.track_id}, which the init does not declare")
            if part.data_offset < 0 or part.data_offset + part.size > size:
                raise BoxError(f"fragment at {offset} has samples outside itself")
        if total > _MOST_SAMPLES:
            raise BoxError(f"more than {_MOST_SAMPLES} samples by the fragment at {offset}")
        if fragment.hole is not None:
            if self.holes and fragment.hole.start <= self.holes[-1].end:
                raise BoxError(f"fragment at {offset} has a hole that begins before another ends")
            self.holes.append(fragment.hole)
        number = len(self._fragments) // 2
        self._fragments.extend((offset, size))
        for part in fragment.tracks:
            if not part.count:
                continue
            found = self._of_tracks.get(part.track_id)
            if found is None:
                found = self._of_tracks[part.track_id] = SampleRows()
            time = part.decode_time + self.bases.get(part.track_id, 0)
            found.add(number, part.count, offset + part.data_offset, time, part.packed)

    def build(self) -> SegmentIndex:
        """The index of what was added so far."""
        tracks = []
        for track in self.tracks:
            found = self._of_tracks.get(track.track_id) or SampleRows()
            tracks.append(TrackIndex.of(track, found.rows(), found.samples()))
        return SegmentIndex(np.array(self._fragments, dtype=np.int64).reshape(-1, 2), tuple(tracks), tuple(self.holes))


def scan(read: Callable[[int, int], bytes], start: int, limit: int, builder: IndexBuilder) -> int:
    """Adds every whole fragment in ``[start, limit)`` of a file to the builder; returns where the next one would begin.

    ``read(offset, size)`` gives the file's bytes. Boxes between fragments are passed over. Stops without an error at
    the first box that is not whole yet: that is how a growing file looks.

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
