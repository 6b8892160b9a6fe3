"""Which recorded samples a range is made of. Pure.

Pieces whose segments follow one another in one run form a *chain*: their media time goes on without a seam, so that a
chain is treated as if it were one file. Invariant: a frame belongs to a range if and only if its presentation time
``p`` has ``start_us <= wall(p) < end_us``; so ranges that abut hold each frame exactly once.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from storage.coverage.one_camera import Piece
from storage.format.sample_index import Array, Flags, TrackIndex
from storage.intervals import Interval

__all__ = [
    "FootageSelection",
    "VideoTimes",
    "bridged",
    "chains",
    "handed_over",
    "on_keyframes",
    "select",
    "twin",
    "video_times",
]

# Frames are the same if so many in a row have the same sizes, or as many as there are, but not fewer than these.
_ALIKE: Final = 6
_LEAST_ALIKE: Final = 2


def _follows(before: Piece, after: Piece) -> bool:
    a, b = before.segment, after.segment
    return (
        before.end_us == a.end_us == b.key.start_us == after.start_us
        and not a.growing
        and a.media_end == b.media_start
        and (a.key.node, a.key.epoch, a.run_start_us, a.init, a.timescale)
        == (b.key.node, b.key.epoch, b.run_start_us, b.init, b.timescale)
    )


def chains(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """The pieces (sorted, disjoint) as chains, in order."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if found and _follows(found[-1][-1], piece):
            found[-1].append(piece)
        else:
            found.append([piece])
    return found


def bridged(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces, but one goes on over a hole of its segment: media time goes on there, and the last frame is shown
    meanwhile."""
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if before is not None and Interval(before.end_us, piece.start_us) in before.segment.holes:
            if before.segment.key == piece.segment.key:
                found[-1] = replace(before, end_us=piece.end_us)
                continue
            if piece.start_us == before.segment.end_us:
                found[-1] = replace(before, end_us=piece.start_us)
        found.append(piece)
    return found


def on_keyframes(pieces: Iterable[Piece], keyframe_us: Callable[[Piece], int]) -> list[Piece]:
    """The pieces, each of which begins at a keyframe, save the first.

    A piece begins elsewhere where another recorder's footage, which went before it, ends in the middle of its segment.
    Then the change-over is moved back to the keyframe before, whose wall time ``keyframe_us`` tells: every moment is
    shown once, and nothing needs to be decoded that is not shown.
    """
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if (
            before is not None
            and piece.start_us > piece.segment.key.start_us
            and before.end_us == piece.start_us
            and before.segment.key != piece.segment.key
        ):
            key_us = keyframe_us(piece)
            # Of what lies within that one group of pictures nothing is left to show.
            while found and found[-1].start_us >= key_us:
                found.pop()
            start_us = key_us
            if found and found[-1].segment.key == piece.segment.key:
                start_us = found.pop().start_us
            elif found and found[-1].end_us > key_us:
                found[-1] = replace(found[-1], end_us=key_us)
            piece = replace(piece, start_us=start_us)
        found.append(piece)
    return found


def handed_over(pieces: Iterable[Piece], twin_us: Callable[[Piece, Piece], int | None]) -> list[Piece]:
    """The pieces, but where a recorder takes over from another that recorded on beside it, the other's ends with the
    frame before the first one of the new: ``twin_us`` of both tells when the other recorded that one, None if it did
    not.

    Two recorders see a camera for a moment when it moves, each by a clock that it began anew. They differ by some
    milliseconds, and the frame at the change-over would be shown of both.
    """
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if (
            before is not None
            and before.segment.key.epoch < piece.segment.key.epoch
            and before.end_us == piece.start_us == piece.segment.run_start_us
            and before.end_us < before.segment.end_us
            and (at_us := twin_us(before, piece)) is not None
            and at_us < before.end_us
        ):
            found.pop()
            if at_us > before.start_us:
                found.append(replace(before, end_us=at_us))
        found.append(piece)
    return found


def twin(old: TrackIndex, new: TrackIndex, low: int, high: int) -> int | None:
    """When, by the media time of ``old``, the first frame of ``new`` is shown there, between ``low`` and ``high``: a
    keyframe of the same size, followed by frames of the same sizes. The one nearest to the middle; None: there is
    none."""
    pts = old.decode_times + old.offsets
    sizes = new.sizes[:_ALIKE].tolist()
    found: list[int] = []
    for number in np.flatnonzero(old.sync & (pts >= low) & (pts <= high)).tolist():
        there = old.sizes[number : number + _ALIKE].tolist()
        count = min(len(there), len(sizes))
        if count >= _LEAST_ALIKE and there[:count] == sizes[:count]:
            found.append(int(pts[number]))
    return min(found, key=lambda at: abs(2 * at - low - high), default=None)


# On each side of the file that holds an end of the range: leading pictures and pre-roll may stand one file off, so two
# are enough.
_AROUND: Final = 2


@dataclass(frozen=True, slots=True)
class VideoTimes:
    """Video samples of a chain in decode order, in ticks.

    Of a long chain the middle, all of which lies within the range, is left out: ``left_out`` samples after the first
    ``cut``. ``media_end`` is where the chain's footage ends.
    """

    dts: Array
    pts: Array
    sync: Flags
    media_end: int
    cut: int = 0
    left_out: int = 0

    def number(self, index: int) -> int:
        """The sample's number in the whole chain."""
        return index + self.left_out if index >= self.cut else index


def video_times(
    tracks: Sequence[TrackIndex], media_starts: Sequence[int], media_end: int | None, low: int, high: int
) -> VideoTimes:
    """What of these tracks, one behind the other, decides which samples ``low`` to ``high`` (ticks) needs. Each begins
    at its ``media_starts``; ``media_end`` is where the last one's footage ends, None while it grows."""
    first, last = (max(bisect.bisect_right(media_starts, at) - 1, 0) for at in (low, high))
    begin, end = first + _AROUND + 1, last - _AROUND
    kept = [*tracks[:begin], *tracks[end:]] if begin < end else list(tracks)
    dts = np.concatenate([track.decode_times for track in kept])
    pts = dts + np.concatenate([track.offsets for track in kept])
    sync = np.concatenate([track.sync for track in kept])
    if media_end is None:
        ends = pts[len(pts) - tracks[-1].count :] + tracks[-1].durations
        media_end = int(ends.max()) if len(ends) else 0
    if begin >= end:
        return VideoTimes(dts, pts, sync, media_end)
    cut, left_out = (sum(track.count for track in some) for some in (tracks[:begin], tracks[begin:end]))
    return VideoTimes(dts, pts, sync, media_end, cut, left_out)


@dataclass(frozen=True, slots=True)
class FootageSelection:
    """The video samples of one chain that a range needs.

    ``slices`` are sample numbers ``[a, b)`` to be decoded, in order; ``first_decode`` and ``last_decode`` when the
    first and last of them are. Shown are those with ``shown_from <= pts < shown_end`` (ticks): the first frame of the
    range at its beginning, and at the end where its last frame gives way to the next. The others (pre-roll from the
    keyframe on, which begins at ``lowest``; later frames that the last ones refer to) are only decoded.
    """

    slices: tuple[tuple[int, int], ...]
    first_decode: int
    last_decode: int
    shown_from: int
    shown_end: int
    lowest: int
    frames: int


def select(
    times: VideoTimes,
    low: int,
    high: int,
    *,
    is_last: bool = True,
    until: int | None = None,
    decoded: int | None = None,
) -> FootageSelection | None:
    """The samples for the frames with ``low <= pts < high`` (ticks); None if there are none.

    Unless ``is_last``, nothing can be hidden at the end: frames that refer to one past it are left out. ``until``: a
    hole begins there, before which the last frame ends. ``decoded``: the sample of this number is the last of those
    that are decoded before, so that what follows it needs no keyframe.
    """
    pts = times.pts
    if not is_last:
        past = np.flatnonzero(pts >= high)
        pts = pts[: past[0]] if len(past) else pts
    shown = np.flatnonzero((pts >= low) & (pts < high))
    if not len(shown):
        return None
    begin, last = int(shown[0]), int(shown[-1])
    shown_from, shown_last = int(pts[shown].min()), int(pts[shown].max())
    keys = np.flatnonzero(times.sync[: begin + 1] & (pts[: begin + 1] <= shown_from))
    # A segment starts on a keyframe, so there is one.
    key = int(keys[-1]) if len(keys) else 0
    # Leading pictures of an open group refer to what was before the keyframe: not there, so they could not be decoded.
    late = np.flatnonzero(pts[key + 1 : last + 1] >= pts[key])
    resume = key + 1 + int(late[0]) if len(late) else last + 1
    split = [(key, last + 1)] if resume == key + 1 else [(key, key + 1), (resume, last + 1)]
    if not times.sync[begin] and decoded is not None and times.number(begin) == decoded + 1:
        split = [(begin, last + 1)]
    slices = tuple((a, b) for a, b in split if a < b)
    used = np.concatenate([pts[a:b] for a, b in slices])
    # Of all, so that a frame's end is the same wherever the range is cut.
    later = times.pts[times.pts > shown_last]
    shown_end = int(later.min()) if len(later) else max(times.media_end, shown_last + 1)
    if until is not None:
        shown_end = max(min(shown_end, until), shown_last + 1)
    return FootageSelection(
        tuple((times.number(a), times.number(b - 1) + 1) for a, b in slices),
        int(times.dts[slices[0][0]]),
        int(times.dts[slices[-1][1] - 1]),
        shown_from,
        shown_end,
        int(used.min()),
        len(shown) + times.left_out,
    )
