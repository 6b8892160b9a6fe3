"""A clip: any range of a camera's footage as one flat MP4 that exists nowhere.

A ``moov`` made from the indexes, with full sample tables and an edit list, stands before the recorded bytes of the
samples, read from the segment files as they are asked for. Frames of a clip are exactly those whose presentation time
has ``start <= wall(p) < end``; the first is shown at the clip's time zero, each for as long as it was recorded. See
docs/design/playback.md.

Invariants: same request and same footage, same bytes and same ETag; what was planned can be read, whatever is deleted
meanwhile; a clip never ends early without an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from nvr.playback.chains import FootageSelection, chains, handed_over, on_keyframes, select, twin, video_times
from nvr.playback.clip.extents import ClipLayout, VirtualFile
from nvr.playback.clip.movie import Pieces, header, track_boxes
from nvr.playback.clip.samples import AudioPart, Payload, TrackSlice, audio_slices, audio_track, pick_audio, video_track
from nvr.playback.clip.timeline import lay_out
from nvr.playback.errors import ClipTooLong, FootageDamaged, FootageGone, InitPart, NoFootage, SeveralInits
from nvr.playback.index_cache import FileSet, IndexCache, OpenSegment
from nvr.playback.mapping import TimeMap
from nvr.playback.media import CHUNK_BYTES, read_ahead
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.coverage import runs
from storage.coverage.one_camera import Piece
from storage.coverage.runs import NotShown
from storage.format.boxes import BoxError
from storage.format.sample_index import TrackIndex
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["Clip", "Gaps", "not_in", "plan_clip", "plan_clips"]

Gaps = Literal["collapse", "keep"]

# Some 150 bytes each while a clip is planned, up to 20 of which last as long as it: a week of 25 frames a second is 15
# M.
_MOST_SAMPLES: Final = 20_000_000
# Leading pictures of an open group, and sound, may stand in the file after the one whose time they belong to; sound
# also in the one before.
_LOOK_US: Final = 2_000_000
# So far the clocks of two recorders may be apart that see a camera at one time.
_CLOCKS_US: Final = 500_000


class Clip:
    """A planned clip, with its files open. Close it, or use it as a context manager.

    ``start_us`` and ``end_us`` say when its first frame begins and its last one ends; ``spans`` the same of each
    uninterrupted part. ``preroll_us`` is how much before its beginning is decoded without being shown. ``shown`` are
    the pieces it is made of, ``hidden`` is the footage of its range that is not among them; ``cost`` is what it takes
    until it is closed. Byte positions count from 0, both ends included.
    """

    def __init__(
        self,
        file: VirtualFile,
        etag: str,
        spans: Sequence[Interval],
        frames: int,
        preroll_us: int,
        shown: Sequence[Piece],
    ) -> None:
        self._file = file
        self.size = file.size
        # From this byte on it is as it was recorded: behind its head.
        self.recorded_from = file.recorded_from
        self.cost = file.cost
        self.etag = etag
        self.spans = tuple(spans)
        self.start_us, self.end_us = spans[0].start_us, spans[-1].end_us
        self.last_modified_us = self.end_us
        self.frames = frames
        self.preroll_us = preroll_us
        self.shown = tuple(shown)
        self.hidden: tuple[NotShown, ...] = ()

    def read(self, first: int, last: int) -> bytes:
        """Bytes ``first`` to ``last``. Raises ``FootageDamaged`` if a file has become shorter."""
        return self._file.read(first, last)

    def send_some(self, to: int, first: int, end: int) -> int:
        """Hands bytes ``[first, end)``, as recorded, to a socket that does not block, as many as it takes; returns how
        many. Raises as ``read``, and ``ConnectionError`` where the socket is gone."""
        return self._file.send_some(to, first, end)

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` (the end) in order, in pieces read by a thread. Raises as ``read``: an answer
        under way must then be broken off, not ended."""
        return read_ahead(self._file.read, first, self.size - 1 if last is None else last, CHUNK_BYTES)

    def close(self) -> None:
        """Closes the files, after the read under way if there is one."""
        self._file.close()

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Part:
    """One chain's share: all of its pieces, their files, and the samples chosen."""

    chain: list[Piece]
    files: list[int]
    tracks: list[TrackIndex]
    selection: FootageSelection
    shown: list[Piece]

    def wall_us(self, ticks: int) -> int:
        """When a media time was."""
        piece = next((p for p in reversed(self.chain) if p.segment.media_start <= ticks), self.chain[0])
        return TimeMap.of(piece.segment).wall_us(ticks)

    def last_in(self, key: Key) -> int | None:
        """The number of its last sample in this file, if that is where it is."""
        at = self.selection.slices[-1][1] - 1
        for piece, track in zip(self.chain, self.tracks, strict=True):
            if at < track.count:
                return at if piece.segment.key == key else None
            at -= track.count
        return None

    def video(self, shift: int) -> list[TrackSlice]:
        """The samples, moved by ``shift`` ticks."""
        slices = []
        firsts = list(itertools.accumulate((track.count for track in self.tracks), initial=0))
        for a, b in self.selection.slices:
            for file, track, begin in zip(self.files, self.tracks, firsts, strict=False):
                low, high = max(a - begin, 0), min(b - begin, track.count)
                if low < high:
                    slices.append(TrackSlice(file, track, low, high, shift))
        return slices


def plan_clip(
    database: Database,
    cache: IndexCache,
    camera: str,
    start_us: int,
    end_us: int,
    *,
    gaps: Gaps = "collapse",
    only: Collection[Key] | None = None,
) -> Clip:
    """The clip of ``[start_us, end_us)``. With ``gaps="keep"`` its timeline keeps wall time: where nothing was recorded
    it shows nothing. ``only``: of these runs alone; otherwise of runs that recorded the same time the newest is shown,
    and ``hidden`` has the others.

    Raises:
        NoFootage: no frame of the range was recorded.
        FootageGone: a file is no longer there, or (``FootageDamaged``) is not what the catalogue says.
        SeveralInits: the camera changed its parameters within the range.
        ClipTooLong: it has too many samples to plan.
        OSError: this process may not open so many files.
    """
    with database.read() as conn:
        found = segments.between(conn, camera, start_us - _LOOK_US, end_us + _LOOK_US)
        around = runs.shown(found, start_us - _LOOK_US, end_us + _LOOK_US, only)
        wanted = [piece for piece in around if piece.start_us < end_us and piece.end_us > start_us]
        if not wanted:
            raise NoFootage(camera, start_us, end_us)
        inits = _parts(wanted, start_us, end_us)
        if len(inits) > 1:
            raise SeveralInits(inits)
        init = segments.init(conn, wanted[0].segment.init)
    frames = sum(piece.segment.frames for piece in wanted)
    if frames > _MOST_SAMPLES:
        raise ClipTooLong(frames, _MOST_SAMPLES)
    if init is None:
        raise FootageDamaged(wanted[0].segment.key, Sentence("the catalogue lacks its init"))
    opened: dict[Key, OpenSegment] = {}
    try:
        parts = _choose(cache, around, start_us, end_us, opened)
        if not parts:
            raise NoFootage(camera, start_us, end_us)
        clip = _build(parts, list(opened.values()), init.data, gaps)
        clip.hidden = tuple(runs.not_shown(found, clip.shown, start_us, end_us))
        return clip
    except BoxError as error:
        _close(opened.values())
        raise FootageDamaged(wanted[0].segment.key, str(error)) from error
    except BaseException:
        _close(opened.values())
        raise


def _close(opened: Iterable[OpenSegment]) -> None:
    for file in opened:
        file.close()


def plan_clips(
    database: Database, cache: IndexCache, camera: str, start_us: int, end_us: int, *, gaps: Gaps = "collapse"
) -> list[Clip]:
    """As ``plan_clip``, a clip for each part of the range whose footage has one init, and clips of their own for runs
    that would not be seen else: the server's clock was set back, or another recorder had all that they have. At least
    one; close them all. What none of them shows: ``not_in``.

    Raises:
        NoFootage: nothing of the range is recorded, or there is no frame in it.
    """
    with database.read() as conn:
        there = segments.between(conn, camera, start_us, end_us)
    lanes = runs.lanes(there, start_us, end_us)
    found: list[Clip] = []

    def add(lane: Sequence[Piece], only: Collection[Key] | None) -> None:
        for part in _parts(lane, start_us, end_us):
            # A moment so short that no frame begins in it is no clip.
            with contextlib.suppress(NoFootage):
                found.append(plan_clip(database, cache, camera, part.start_us, part.end_us, gaps=gaps, only=only))

    try:
        for lane in lanes:
            add(lane, {runs.run_of(piece.segment) for piece in lane} if len(lanes) > 1 else None)
        seen = {runs.run_of(piece.segment) for clip in found for piece in clip.shown}
        for own in runs.whole(there, start_us, end_us):
            if (run := runs.run_of(own[0].segment)) not in seen:
                add(own, {run})
    except BaseException:
        for clip in found:
            clip.close()
        raise
    if not found:
        raise NoFootage(camera, start_us, end_us)
    return found


def not_in(database: Database, clips: Iterable[Clip], camera: str, start_us: int, end_us: int) -> list[NotShown]:
    """The footage of ``[start_us, end_us)`` that none of these clips shows."""
    with database.read() as conn:
        found = segments.between(conn, camera, start_us, end_us)
    return runs.not_shown(found, [piece for clip in clips for piece in clip.shown], start_us, end_us)


def _parts(pieces: Sequence[Piece], start_us: int, end_us: int) -> list[InitPart]:
    parts: list[InitPart] = []
    for piece in pieces:
        a, b, init = max(piece.start_us, start_us), min(piece.end_us, end_us), piece.segment.init
        if parts and parts[-1].init == init:
            parts[-1] = InitPart(parts[-1].start_us, b, init)
        else:
            parts.append(InitPart(a, b, init))
    return parts


def _choose(
    cache: IndexCache, around: Sequence[Piece], start_us: int, end_us: int, opened: dict[Key, OpenSegment]
) -> list[_Part]:
    """Opens the files and chooses samples, chain by chain. Every file opened is put into ``opened``, whatever
    happens."""

    def wanted(piece: Piece) -> bool:
        return piece.start_us < end_us and piece.end_us > start_us

    by_key = {piece.segment.key: piece.segment for piece in around}
    found = dict(zip(by_key, cache.open_all(list(by_key.values())), strict=True))
    opened.update((key, file) for key, file in found.items() if isinstance(file, OpenSegment))
    for piece in around:
        error = found[piece.segment.key]
        # Of a neighbour only a moment's sound might have been used.
        if isinstance(error, Exception) and (wanted(piece) or not isinstance(error, FootageGone)):
            raise error
    there = [piece for piece in around if piece.segment.key in opened]
    numbers = {key: number for number, key in enumerate(opened)}

    def keyframe_us(piece: Piece) -> int:
        video, clock = opened[piece.segment.key].file.index.video, TimeMap.of(piece.segment)
        pts = (video.decode_times + video.offsets)[video.sync]
        before = pts[pts <= clock.ticks_at(piece.start_us)]
        return clock.wall_us(int(before.max())) if len(before) else piece.segment.key.start_us

    def twin_us(old: Piece, new: Piece) -> int | None:
        clock = TimeMap.of(old.segment)
        a, b = (clock.ticks_at(new.start_us + off_us) for off_us in (-_CLOCKS_US, _CLOCKS_US))
        videos = [opened[piece.segment.key].file.index.video for piece in (old, new)]
        at = twin(videos[0], videos[1], a, b)
        return None if at is None else clock.wall_us(at)

    chosen: list[tuple[list[Piece], list[Piece]]] = []
    for chain in chains(handed_over(on_keyframes(there, keyframe_us), twin_us)):
        inside = [piece for piece in chain if wanted(piece)]
        if inside:
            chosen.append((chain, inside))
    parts: list[_Part] = []
    for number, (chain, inside) in enumerate(chosen):
        low = TimeMap.of(inside[0].segment).ticks_at(max(inside[0].start_us, start_us))
        high = TimeMap.of(inside[-1].segment).ticks_at(min(inside[-1].end_us, end_us))
        tracks = [opened[piece.segment.key].file.index.video for piece in chain]
        starts = [piece.segment.media_start for piece in chain]
        times = video_times(tracks, starts, chain[-1].segment.media_end, low, high)
        end = inside[-1]
        selection = select(
            times,
            low,
            high,
            is_last=number == len(chosen) - 1,
            until=high if end.end_us <= end_us and end.end_us in {a for a, _ in end.segment.holes} else None,
            decoded=parts[-1].last_in(chain[0].segment.key) if parts else None,
        )
        if selection is not None:
            part = _Part(chain, [numbers[piece.segment.key] for piece in chain], tracks, selection, inside)
            if selection.shown_end < min(high, times.media_end):
                # Frames that refer to one past the end could not be decoded without showing that.
                part = replace(part, shown=_until(inside, part.wall_us(selection.shown_end)))
            parts.append(part)
    return parts


def _until(pieces: Iterable[Piece], end_us: int) -> list[Piece]:
    return [replace(piece, end_us=min(piece.end_us, end_us)) for piece in pieces if piece.start_us < end_us]


def _build(parts: Sequence[_Part], opened: Sequence[OpenSegment], init: bytes, gaps: Gaps) -> Clip:
    boxes = track_boxes(init)
    declared = opened[parts[0].files[0]].file.tracks
    video = next(boxes[track.track_id] for track in declared if track.kind == "video")
    audio = next((boxes[track.track_id] for track in declared if track.kind == "audio"), None)
    scale = video.timescale
    selections = [part.selection for part in parts]
    starts = [part.wall_us(s.shown_from) for part, s in zip(parts, selections, strict=True)]
    # Where another recorder takes over, the frame before may have been meant to last longer.
    until = [*starts[1:], None]
    ends = [part.wall_us(s.shown_end) for part, s in zip(parts, selections, strict=True)]
    spans = [Interval(a, b if c is None else min(b, c)) for a, b, c in zip(starts, ends, until, strict=True)]
    timeline = lay_out(
        selections,
        [(selection.first_decode, selection.last_decode) for selection in selections],
        starts if gaps == "keep" else None,
        scale,
    )
    pictures = [part.video(place.shift) for part, place in zip(parts, timeline.parts, strict=True)]
    sounds: list[AudioPart] = []
    if audio is not None:
        for number, (part, place) in enumerate(zip(parts, timeline.parts, strict=True)):
            found = [
                (file, track)
                for file in part.files
                for track in opened[file].file.index.tracks
                if track.track.kind == "audio"
            ]
            s = part.selection
            sounds.append(pick_audio(found, (s.shown_from, scale), (s.shown_end, scale), place.movie, number == 0))
    heard, heard_from = audio_slices(sounds, audio.timescale if audio is not None else 1, scale)
    payload = Payload([[slices, heard[number]] if heard else [slices] for number, slices in enumerate(pictures)])
    shown = list(itertools.chain.from_iterable(pictures))
    tracks = [video_track(video, shown, (timeline.edit,), payload)]
    if audio is not None and any(heard):
        listened = list(itertools.chain.from_iterable(heard))
        tracks.append(audio_track(audio, listened, heard_from, scale, timeline.edit.duration, payload))
    head = header(tracks, scale, timeline.edit.duration, spans[0].start_us, payload.size)
    preroll_us = spans[0].start_us - parts[0].wall_us(selections[0].lowest)
    return Clip(
        VirtualFile(ClipLayout(head, payload), FileSet(opened)),
        _etag(head, [*shown, *itertools.chain.from_iterable(heard)], opened),
        spans,
        sum(s.frames for s in selections),
        preroll_us,
        [piece for part in parts for piece in part.shown],
    )


def _etag(head: Pieces, slices: Iterable[TrackSlice], opened: Sequence[OpenSegment]) -> str:
    """Of everything that the clip's bytes are made from. Recorded samples never change, so which of them there are
    stands for their bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for piece in head:
        digest.update(piece if isinstance(piece, bytes) else b"%d" % len(piece))
    for s in slices:
        digest.update(repr((s.file, s.track.track.track_id, s.first, s.end, s.shift, int(s.sizes.sum()))).encode())
    digest.update(repr([file.segment.key for file in opened]).encode())
    return f'"{digest.hexdigest()}"'
