"""From chosen samples to the tables of a clip: which stretches of which files, in which chunks, with which times. Pure.

A chunk is what a track has in one fragment: its samples lie one behind the other there. Invariant: chunks of a track are in decode order, and the
extents of a clip are exactly its chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nvr.playback.chains import Array
from nvr.playback.movie import MovieTrack, TrackBoxes
from nvr.playback.timeline import Edit
from storage.index import TrackIndex

__all__ = ["AudioPart", "ChunkTable", "TrackSlice", "audio_track", "chunk_table", "pick_audio", "video_track"]


@dataclass(frozen=True, slots=True)
class TrackSlice:
    """Samples ``[first, end)`` of a track of one file; ``file`` is the file's number in the clip."""

    file: int
    track: TrackIndex
    first: int
    end: int

    @property
    def samples(self) -> Array:
        """Their rows: bytes, duration, composition offset, sync."""
        return self.track.samples[self.first : self.end]

    @property
    def decode_times(self) -> Array:
        """Their decode times in the recording, in ticks."""
        return self.track.decode_times[self.first : self.end]


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """A row a chunk, in the order of the clip's bytes: file, offset in it, bytes, number of the track, samples."""

    rows: Array

    @property
    def extents(self) -> Array:
        """File, offset and bytes of each."""
        return self.rows[:, :3]

    @property
    def payload_bytes(self) -> int:
        """All their bytes."""
        return int(self.rows[:, 2].sum())

    def of_track(self, number: int) -> tuple[Array, Array]:
        """Positions in the payload, and samples, of a track's chunks."""
        positions = np.cumsum(self.rows[:, 2]) - self.rows[:, 2]
        mine = self.rows[:, 3] == number
        return positions[mine], self.rows[mine, 4]


def _chunks(part: TrackSlice, number: int) -> Array:
    fragments = part.track.fragments
    first = fragments[:, 1]
    low = np.maximum(first, part.first)
    high = np.minimum(first + fragments[:, 2], part.end)
    used = high > low
    first, low, high = first[used], low[used], high[used]
    before = np.concatenate([[0], np.cumsum(part.track.samples[:, 0])])
    rows = np.empty((len(low), 5), np.int64)
    rows[:, 0] = part.file
    rows[:, 1] = fragments[used, 3] + before[low] - before[first]
    rows[:, 2] = before[high] - before[low]
    rows[:, 3] = number
    rows[:, 4] = high - low
    return rows


def chunk_table(parts: Sequence[Sequence[Sequence[TrackSlice]]]) -> ChunkTable:
    """The chunks of a clip: ``parts[part][track]`` are slices in decode order. Within a part, tracks are interleaved as they were recorded."""
    tables = []
    for tracks in parts:
        rows = np.concatenate([_chunks(piece, number) for number, slices in enumerate(tracks) for piece in slices])
        if len(tracks) > 1:
            # Files are numbered in the order of their footage.
            rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
        tables.append(rows)
    return ChunkTable(np.concatenate(tables))


def _track(
    boxes: TrackBoxes,
    number: int,
    slices: Sequence[TrackSlice],
    decode: Array,
    table: ChunkTable,
    edits: tuple[Edit, ...],
) -> MovieTrack:
    samples = [piece.samples for piece in slices]
    sizes, offsets, sync = (np.concatenate([rows[:, column] for rows in samples]) for column in (0, 2, 3))
    last = max(int(samples[-1][-1, 1]), 1)
    durations = np.append(np.diff(decode), last)
    positions, counts = table.of_track(number)
    end = max((edit.media_time + edit.duration for edit in edits if edit.media_time >= 0), default=0)
    duration = max(int(decode[-1]) + last, end)
    return MovieTrack(boxes, sizes, durations, offsets, sync, positions, counts, edits, duration)


def video_track(
    boxes: TrackBoxes,
    parts: Sequence[Sequence[TrackSlice]],
    shifts: Sequence[int],
    edits: tuple[Edit, ...],
    table: ChunkTable,
) -> MovieTrack:
    """The video of the clip; the samples of each part are moved by its shift. It is track number 0 of the table."""
    decode = np.concatenate(
        [piece.decode_times + shift for slices, shift in zip(parts, shifts, strict=True) for piece in slices]
    )
    return _track(boxes, 0, [piece for slices in parts for piece in slices], decode, table, edits)


@dataclass(frozen=True, slots=True)
class AudioPart:
    """The sound of one part. ``decode`` are its samples' times relative to the beginning of the part's pictures, in its own ticks; ``movie``
    is when that is in the movie, in the movie's."""

    slices: tuple[TrackSlice, ...]
    decode: Array
    movie: int


def pick_audio(
    tracks: Sequence[tuple[int, TrackIndex]], begin: tuple[int, int], end: tuple[int, int], movie: int, lead: bool
) -> AudioPart:
    """The sound of a chain's files between two moments, each ``(ticks, timescale)`` of the run's media time.

    With ``lead`` also the frame during which it begins and the one before, which the decoder needs to get going; the edit list hides them.
    Without, no frame that began earlier, so that parts don't overlap.
    """
    slices, decode = [], []
    for file, track in tracks:
        rate = track.track.timescale
        low, high = (-(-ticks * rate // scale) for ticks, scale in (begin, end))
        times = track.decode_times
        a, b = (int(np.searchsorted(times, limit, "left")) for limit in (low, high))
        if lead and b > a:
            a = max(a - 2, 0)
            lead = False
        if b > a:
            slices.append(TrackSlice(file, track, a, b))
            decode.append(times[a:b] - begin[0] * rate // begin[1])
    return AudioPart(tuple(slices), np.concatenate(decode) if decode else np.empty(0, np.int64), movie)


def audio_track(
    boxes: TrackBoxes, parts: Sequence[AudioPart], timescale: int, duration: int, table: ChunkTable
) -> MovieTrack | None:
    """The sound of the clip, on the movie's timeline (``timescale``, ``duration``); None if there is none. It is track number 1.

    A gap between parts is a long last sample before it: the samples themselves say when they are to be heard.
    """
    slices = [piece for part in parts for piece in part.slices]
    if not slices:
        return None
    rate = boxes.timescale
    decode = np.concatenate([part.decode + part.movie * rate // timescale for part in parts])
    first = int(decode[0])
    decode -= first
    heard = int(decode[-1]) + int(slices[-1].samples[-1, 1]) + first
    edits: tuple[Edit, ...] = ()
    late = 0
    if first > 0:
        late = first * timescale // rate
        edits = (Edit(-1, late),)
    shown = min(duration, heard * timescale // rate) - late
    return _track(boxes, 1, slices, decode, table, (*edits, Edit(max(-first, 0), max(shown, 1))))
