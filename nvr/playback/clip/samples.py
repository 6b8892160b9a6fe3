"""From chosen samples to the tables of a clip: which stretches of which files, in which chunks, with which times. Pure.

A chunk is what a track has in one fragment: its samples lie one behind the other there. Everything is counted when a
clip is planned and made when it is read, a file at a time: a day has millions of samples, and its tables tens of
megabytes. Invariants: chunks of a track are in decode order, the bytes of a clip are exactly its chunks, and a table
has as many rows as were counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nvr.playback.clip.movie import MovieTrack, Table, TrackBoxes, run_count, runs, u32
from nvr.playback.clip.timeline import Edit
from storage.format.sample_index import Array, Narrow, TrackIndex

__all__ = ["AudioPart", "Payload", "TrackSlice", "audio_slices", "audio_track", "pick_audio", "video_track"]


@dataclass(frozen=True, slots=True)
class TrackSlice:
    """Samples ``[first, end)`` of a track of one file; ``file`` is the file's number in the clip. ``shift`` turns
    decode times of the recording into those of the clip, in ticks."""

    file: int
    track: TrackIndex
    first: int
    end: int
    shift: int = 0

    @property
    def count(self) -> int:
        """How many samples."""
        return self.end - self.first

    @property
    def sizes(self) -> Narrow:
        """Their bytes."""
        return self.track.sizes[self.first : self.end]

    @property
    def offsets(self) -> Narrow:
        """Their composition offsets."""
        return self.track.offsets[self.first : self.end]

    @property
    def sync_numbers(self) -> Array:
        """Which of them are sync samples, counted from 0."""
        return np.flatnonzero(self.track.sync[self.first : self.end])

    @property
    def first_decode(self) -> int:
        """When the first one is decoded in the clip."""
        track = self.track
        time = track.fragments[0, 4] if self.first == 0 else track.decode_times[self.first]
        return int(time) + self.shift

    @property
    def last_decode(self) -> int:
        """When the last one is."""
        track = self.track
        time = (
            track.end_time - int(track.durations[-1]) if self.end == track.count else track.decode_times[self.end - 1]
        )
        return int(time) + self.shift

    def durations(self, last: int) -> Array | Narrow:
        """From each one's decode time to the next one's, ``last`` after the last."""
        steps = self.track.steps[self.first : self.end]
        if steps[-1] == last:
            return steps
        changed = steps.astype(np.int64)
        changed[-1] = last
        return changed

    def chunks(self) -> Array:
        """A row a chunk: offset in the file, bytes, samples."""
        rows, sizes = self.track.fragments, self.track.sizes
        first = rows[:, 1]
        if self.count == self.track.count:
            found = np.empty((len(rows), 3), np.int64)
            found[:, 0], found[:, 2] = rows[:, 3], rows[:, 2]
            np.add.reduceat(sizes, first, out=found[:, 1], dtype=np.int64)
            return found
        low = np.maximum(first, self.first)
        high = np.minimum(first + rows[:, 2], self.end)
        used = high > low
        first, low, high = first[used], low[used], high[used]
        before = np.concatenate([[0], np.cumsum(sizes)])
        return np.stack([rows[used, 3] + before[low] - before[first], before[high] - before[low], high - low], axis=1)


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one part of a clip takes from one file: slices, each with the number of its track. Its bytes begin at
    ``begin`` of the payload."""

    file: int
    slices: tuple[tuple[int, TrackSlice], ...]
    begin: int

    def rows(self) -> Array:
        """A row a chunk, in the order of the file: offset, bytes, samples, number of the track."""
        found = []
        for number, piece in self.slices:
            chunks = piece.chunks()
            found.append(np.column_stack([chunks, np.full(len(chunks), number)]))
        if len(found) == 1:
            return found[0]
        rows = np.concatenate(found)
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def positions(self, number: int) -> Array:
        """Where in the payload the chunks of a track begin."""
        rows = self.rows()
        places = self.begin + np.cumsum(rows[:, 1]) - rows[:, 1]
        found: Array = places[rows[:, 3] == number]
        return found

    def chunk_samples(self, number: int) -> Array:
        """How many samples each chunk of a track has."""
        rows = self.rows()
        found: Array = rows[rows[:, 3] == number, 2]
        return found


class Payload:
    """The recorded bytes of a clip, in order. ``parts[part][track]`` are slices in decode order; within a part, tracks
    are interleaved as they were recorded."""

    def __init__(self, parts: Sequence[Sequence[Sequence[TrackSlice]]]) -> None:
        self._units: list[_Unit] = []
        begin = 0
        for tracks in parts:
            by_file: dict[int, list[tuple[int, TrackSlice]]] = {}
            for number, slices in enumerate(tracks):
                for piece in slices:
                    by_file.setdefault(piece.file, []).append((number, piece))
            # Files are numbered in the order of their footage.
            for file, found in sorted(by_file.items()):
                self._units.append(_Unit(file, tuple(found), begin))
                begin += sum(int(piece.sizes.sum()) for _, piece in found)
        self.size = begin
        self.begins = [unit.begin for unit in self._units]

    def extents(self, number: int) -> tuple[int, Array]:
        """Of the unit of this number, the stretch that begins at ``begins[number]``: its file, and a row a chunk:
        offset and bytes."""
        unit = self._units[number]
        return unit.file, unit.rows()[:, :2]

    def units(self, number: int) -> list[_Unit]:
        """Those which have samples of this track."""
        return [unit for unit in self._units if any(found == number for found, _ in unit.slices)]


def _track(
    boxes: TrackBoxes, number: int, slices: Sequence[TrackSlice], payload: Payload, edits: tuple[Edit, ...]
) -> MovieTrack:
    last = max(int(slices[-1].track.durations[slices[-1].end - 1]), 1)
    begins = [piece.first_decode for piece in slices]
    ends = [piece.last_decode for piece in slices]
    # From the last sample of each slice to the first of the next.
    links = [b - a for a, b in zip(ends, begins[1:], strict=False)] + [last]
    times = Table([(run_count(p.durations(n)), partial(_times, p, n)) for p, n in zip(slices, links, strict=True)])
    offsets, lowest = None, 0
    if any(piece.offsets.any() for piece in slices):
        offsets = Table([(run_count(piece.offsets), partial(_offsets, piece)) for piece in slices])
        lowest = min(int(piece.offsets.min()) for piece in slices)
    before = list(itertools.accumulate((piece.count for piece in slices), initial=0))
    sync = None
    if not all(piece.track.sync[piece.first : piece.end].all() for piece in slices):
        sync = Table(
            [(len(piece.sync_numbers), partial(_sync, piece, at)) for piece, at in zip(slices, before, strict=False)]
        )
    units = payload.units(number)
    samples = [unit.chunk_samples(number) for unit in units]
    chunks_before = list(itertools.accumulate(map(len, samples), initial=0))
    return MovieTrack(
        boxes,
        before[-1],
        times,
        offsets,
        lowest < 0,
        sync,
        Table(
            [
                (run_count(n), partial(_chunk_runs, u, number, at))
                for u, n, at in zip(units, samples, chunks_before, strict=False)
            ]
        ),
        Table([(piece.count, partial(_sizes, piece)) for piece in slices]),
        [(len(found), partial(unit.positions, number)) for unit, found in zip(units, samples, strict=True)],
        edits,
        max(
            ends[-1] + last, max((edit.media_time + edit.duration for edit in edits if edit.media_time >= 0), default=0)
        ),
    )


def _times(piece: TrackSlice, last: int) -> bytes:
    return runs(piece.durations(last))


def _offsets(piece: TrackSlice) -> bytes:
    return runs(piece.offsets)


def _sync(piece: TrackSlice, before: int) -> bytes:
    return u32(piece.sync_numbers + (before + 1))


def _sizes(piece: TrackSlice) -> bytes:
    return u32(piece.sizes)


def _chunk_runs(unit: _Unit, number: int, before: int) -> bytes:
    samples = unit.chunk_samples(number)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(samples)) + 1])
    return u32(np.stack([starts + (before + 1), samples[starts], np.ones_like(starts)], axis=1))


def video_track(
    boxes: TrackBoxes, slices: Sequence[TrackSlice], edits: tuple[Edit, ...], payload: Payload
) -> MovieTrack:
    """The video of the clip: track number 0 of the payload."""
    return _track(boxes, 0, slices, payload, edits)


@dataclass(frozen=True, slots=True)
class AudioPart:
    """The sound of one part. Its slices' shifts make decode times relative to the beginning of the part's pictures, in
    its own ticks; ``movie`` is when that is in the movie, in the movie's."""

    slices: tuple[TrackSlice, ...]
    movie: int


def pick_audio(
    tracks: Sequence[tuple[int, TrackIndex]], begin: tuple[int, int], end: tuple[int, int], movie: int, lead: bool
) -> AudioPart:
    """The sound of a chain's files between two moments, each ``(ticks, timescale)`` of the run's media time.

    With ``lead`` also the frame during which it begins and the one before, which the decoder needs to get going; the
    edit list hides them. Without, no frame that began earlier, so that parts don't overlap.
    """
    slices = []
    for file, track in tracks:
        if not track.count:
            continue
        rate = track.track.timescale
        low, high = (-(-ticks * rate // scale) for ticks, scale in (begin, end))
        if low <= track.fragments[0, 4] and track.end_time <= high:
            a, b = 0, track.count
        else:
            times = track.decode_times
            a, b = (int(np.searchsorted(times, limit, "left")) for limit in (low, high))
        if lead and b > a:
            a = max(a - 2, 0)
            lead = False
        if b > a:
            slices.append(TrackSlice(file, track, a, b, -(begin[0] * rate // begin[1])))
    return AudioPart(tuple(slices), movie)


def audio_slices(parts: Sequence[AudioPart], rate: int, timescale: int) -> tuple[list[list[TrackSlice]], int]:
    """Per part, the sound's slices with the shifts that place them in the clip, whose first sample is decoded at 0; and
    when in the movie that is, in ticks of the sound's ``rate``."""
    placed = [
        [replace(piece, shift=piece.shift + part.movie * rate // timescale) for piece in part.slices] for part in parts
    ]
    first = next((piece.first_decode for slices in placed for piece in slices), 0)
    return [[replace(piece, shift=piece.shift - first) for piece in slices] for slices in placed], first


def audio_track(
    boxes: TrackBoxes, slices: Sequence[TrackSlice], first: int, timescale: int, duration: int, payload: Payload
) -> MovieTrack:
    """The sound of the clip, on the movie's timeline (``timescale``, ``duration``), where it begins at ``first``, in
    its own ticks. It is track number 1 of the payload.

    A gap between parts is a long last sample before it: the samples themselves say when they are to be heard.
    """
    rate = boxes.timescale
    heard = slices[-1].last_decode + int(slices[-1].track.durations[slices[-1].end - 1]) + first
    edits: tuple[Edit, ...] = ()
    late = 0
    if first > 0:
        late = first * timescale // rate
        edits = (Edit(-1, late),)
    shown = min(duration, heard * timescale // rate) - late
    return _track(boxes, 1, slices, payload, (*edits, Edit(max(-first, 0), max(shown, 1))))
