"""The keyframe shown at a moment, as it was recorded: nothing is decoded here. And when each frame of a stretch is
shown, for steps from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from nvr.playback.reading import read_exactly
from storage.catalogue.database import Database
from storage.catalogue.segments import Segment
from storage.coverage import one_camera

__all__ = ["Keyframe", "frame_times", "keyframe_at", "keyframe_times", "read_keyframe"]


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A keyframe that is shown from ``start_us`` on, until the next one, or the end of its footage, at ``end_us``: a
    sample of ``size`` bytes from ``offset`` on."""

    segment: Segment
    start_us: int
    end_us: int
    offset: int
    size: int


def keyframe_at(database: Database, cache: IndexCache, camera: str, at_us: int) -> Keyframe | None:
    """The last keyframe that was shown by ``at_us``, of the footage that covers that moment; None: none covers it.

    Raises:
        FootageGone: its file is no longer there, or (``FootageDamaged``) is not that segment.
    """
    with database.read() as conn:
        pieces = one_camera.pieces(conn, camera, at_us, at_us + 1)
    if not pieces:
        return None
    segment = pieces[0].segment
    file = cache.get(segment)
    video, times = file.index.video, TimeMap.of(segment)
    keys = np.flatnonzero(video.sync)
    if not len(keys):
        return None
    shown = (video.decode_times + video.offsets)[keys]
    # A keyframe's own wall time is rounded down: those of the microsecond itself count.
    which = max(int(np.searchsorted(shown, times.ticks_at(at_us + 1))) - 1, 0)
    number = int(keys[which])
    end_us = times.wall_us(int(shown[which + 1])) if which + 1 < len(shown) else segment.end_us
    start_us = times.wall_us(int(shown[which]))
    return Keyframe(
        segment, start_us, max(end_us, start_us + 1), int(video.byte_offsets[number]), int(video.sizes[number])
    )


def read_keyframe(cache: IndexCache, wanted: Keyframe) -> bytes:
    """The sample's bytes. Raises as ``keyframe_at``."""
    opened = cache.open(wanted.segment)
    try:
        return read_exactly(opened, wanted.offset, wanted.size)
    finally:
        opened.close()


def _shown(
    database: Database, cache: IndexCache, camera: str, start_us: int, end_us: int, *, keyframes: bool
) -> list[int]:
    with database.read() as conn:
        pieces = one_camera.pieces(conn, camera, start_us, end_us)
    found: list[int] = []
    for piece in pieces:
        video, times = cache.get(piece.segment).index.video, TimeMap.of(piece.segment)
        shown = video.decode_times + video.offsets
        if keyframes:
            shown = shown[video.sync]
        low, high = times.ticks_at(piece.start_us), times.ticks_at(piece.end_us)
        found += [times.wall_us(ticks) for ticks in np.sort(shown[(shown >= low) & (shown < high)]).tolist()]
    return found


def frame_times(database: Database, cache: IndexCache, camera: str, start_us: int, end_us: int) -> list[int]:
    """When each frame of ``[start_us, end_us)`` began to be shown, in order.

    Raises:
        FootageGone: a file is no longer there, or (``FootageDamaged``) is not that segment.
    """
    return _shown(database, cache, camera, start_us, end_us, keyframes=False)


def keyframe_times(database: Database, cache: IndexCache, camera: str, start_us: int, end_us: int) -> list[int]:
    """When each keyframe of ``[start_us, end_us)`` began to be shown, in order. Raises as ``frame_times``."""
    return _shown(database, cache, camera, start_us, end_us, keyframes=True)
