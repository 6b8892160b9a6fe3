"""Which recorded samples a range is made of. Pure.

Pieces whose segments follow one another in one run form a *chain*: their media time goes on without a seam, so that a chain is treated as if
it were one file. Invariant: a frame belongs to a range if and only if its presentation time ``p`` has ``start_us <= wall(p) < end_us``; so ranges
that abut hold each frame exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from storage.coverage import Piece
from storage.index import TrackIndex

__all__ = ["Array", "Selection", "VideoTimes", "chains", "on_keyframes", "select", "video_times"]

Array = npt.NDArray[np.int64]


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


def on_keyframes(pieces: Iterable[Piece], keyframe_us: Callable[[Piece], int]) -> list[Piece]:
    """The pieces, each of which begins at a keyframe, save the first.

    A piece begins elsewhere where another recorder's footage, which went before it, ends in the middle of its segment. Then the change-over is
    moved back to the keyframe before, whose wall time ``keyframe_us`` tells: every moment is shown once, and nothing needs to be decoded
    that is not shown.
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


@dataclass(frozen=True, slots=True)
class VideoTimes:
    """The video samples of a chain in decode order, in ticks. ``first[i]`` is the number of the first sample of its i-th segment."""

    dts: Array
    pts: Array
    sync: Array
    first: Array
    media_end: int


def video_times(tracks: Sequence[TrackIndex], media_end: int | None) -> VideoTimes:
    """The times of these tracks, one behind the other. ``media_end`` is where the last one's footage ends, None while it grows."""
    dts = [track.decode_times for track in tracks]
    counts = [len(track.samples) for track in tracks]
    decode = np.concatenate(dts)
    pts = decode + np.concatenate([track.samples[:, 2] for track in tracks])
    sync = np.concatenate([track.samples[:, 3] for track in tracks])
    if media_end is None:
        durations = tracks[-1].samples[:, 1]
        media_end = int((pts[len(pts) - len(durations) :] + durations).max()) if len(durations) else 0
    return VideoTimes(decode, pts, sync, np.cumsum([0, *counts]), media_end)


@dataclass(frozen=True, slots=True)
class Selection:
    """The video samples of one chain that a range needs.

    ``slices`` are sample numbers ``[a, b)`` to be decoded, in order. Shown are those with ``shown_from <= pts < shown_end`` (ticks): the first
    frame of the range at its beginning, and at the end where its last frame gives way to the next. The others (pre-roll from the keyframe
    on, which begins at ``lowest``; later frames that the last ones refer to) are only decoded.
    """

    slices: tuple[tuple[int, int], ...]
    shown_from: int
    shown_end: int
    lowest: int
    frames: int


def select(times: VideoTimes, low: int, high: int, *, is_last: bool = True) -> Selection | None:
    """The samples for the frames with ``low <= pts < high`` (ticks); None if there are none.

    Unless ``is_last``, nothing can be hidden at the end: frames that refer to one past it are left out.
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
    keys = np.flatnonzero((times.sync[: begin + 1] != 0) & (pts[: begin + 1] <= shown_from))
    # A segment starts on a keyframe, so there is one.
    key = int(keys[-1]) if len(keys) else 0
    # Leading pictures of an open group refer to what was before the keyframe: not there, so they could not be decoded.
    late = np.flatnonzero(pts[key + 1 : last + 1] >= pts[key])
    resume = key + 1 + int(late[0]) if len(late) else last + 1
    split = [(key, last + 1)] if resume == key + 1 else [(key, key + 1), (resume, last + 1)]
    slices = tuple((a, b) for a, b in split if a < b)
    used = np.concatenate([pts[a:b] for a, b in slices])
    # Of all, so that a frame's end is the same wherever the range is cut.
    later = times.pts[times.pts > shown_last]
    shown_end = int(later.min()) if len(later) else max(times.media_end, shown_last + 1)
    return Selection(slices, shown_from, shown_end, int(used.min()), len(shown))
