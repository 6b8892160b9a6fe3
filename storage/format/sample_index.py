"""The index of one segment file: where its fragments and samples are.

A closed segment carries it in its tail (``storage.format.sample_index_codec``); for a growing or cut-off one it is
scanned from the ``moof`` headers (``storage.format.index_builder``). Invariant: the index read from a tail equals the
index scanned from the same file, and every fragment it lists lies whole inside the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.format.boxes import BoxError, Hole, Track

__all__ = ["Array", "Flags", "FragmentRow", "Narrow", "SegmentIndex", "TrackIndex", "narrow"]

Array = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_LARGEST = (1 << 31) - 1


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
