"""Which pieces of a camera's footage are shown of a range, with the indexes of their files: what playlists, and what
plays several cameras at once, begin with.

Invariant: every piece but the first begins at a keyframe; a file that is gone or damaged is a gap, and hides nothing
else.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nvr.playback.chains import bridged, on_keyframes
from nvr.playback.errors import FootageGone
from nvr.playback.groups import Fragments, fragments
from nvr.playback.index_cache import IndexCache
from nvr.playback.mapping import TimeMap
from nvr.playback.player_time import begins_us
from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.coverage import runs
from storage.coverage.one_camera import Piece
from storage.format.segment_file import SegmentFile
from storage.intervals import Interval

__all__ = ["DRIFT_US", "ShownFootage", "keyframe_before", "shown_footage", "zero_for"]

log = logging.getLogger(__name__)

DRIFT_US: Final = 15_000
"""Cameras' seconds and ours differ: less than a frame, so that time never falls back."""


@dataclass(frozen=True, slots=True)
class ShownFootage:
    """What is shown of a range: ``pieces``, by time. ``recorded``: all that was recorded of it; ``gone``: what would be
    shown if its files were there. ``files`` and ``known`` are the indexes of those that are."""

    recorded: Sequence[Segment]
    pieces: Sequence[Piece]
    gone: Sequence[Piece]
    files: Mapping[Key, SegmentFile]
    known: Mapping[Key, Fragments]


def shown_footage(
    database: Database,
    cache: IndexCache,
    camera: str,
    start_us: int,
    end_us: int,
    *,
    only: Collection[Key] | None = None,
    within: Sequence[Interval] | None = None,
) -> ShownFootage:
    """What is shown of ``[start_us, end_us)``, with ``only`` of these runs alone. ``within``: of these times alone,
    sorted and disjoint.

    Raises:
        FootageGone: there is footage, and all of its files are gone or damaged.
    """
    with database.read() as conn:
        recorded = segments.between(conn, camera, start_us, end_us)
    pieces = runs.shown(recorded, start_us, end_us, only)
    if within is not None:
        pieces = [
            replace(piece, start_us=max(piece.start_us, a), end_us=min(piece.end_us, b))
            for piece in pieces
            for a, b in within
            if max(piece.start_us, a) < min(piece.end_us, b)
        ]
    files: dict[Key, SegmentFile] = {}
    lost: FootageGone | None = None
    for piece in pieces:
        if piece.segment.key not in files:
            try:
                files[piece.segment.key] = cache.get(piece.segment)
            except FootageGone as error:
                log.warning("footage of camera %s: %s", camera, error)
                lost = error
    there = [piece for piece in pieces if piece.segment.key in files]
    if lost is not None and not there:
        raise lost
    known = {key: fragments(file.index) for key, file in files.items()}
    # Where another recorder's footage ends within a group of this one's, this one begins at the keyframe before. What
    # gives way to that is not shown.
    shown = on_keyframes(bridged(there), lambda piece: keyframe_before(piece, known[piece.segment.key])[1])
    gone = [piece for piece in pieces if piece.segment.key not in files]
    return ShownFootage(recorded, shown, gone, files, known)


def keyframe_before(piece: Piece, found: Fragments) -> tuple[int, int]:
    """The fragment with the last keyframe at or before the piece's start, and when that keyframe is shown."""
    times = TimeMap.of(piece.segment)
    # A keyframe's own wall time is rounded down: those of the microsecond itself count.
    keys = np.flatnonzero((found.sync != 0) & (found.firsts < times.ticks_at(piece.start_us + 1)))
    if not len(keys):
        return 0, piece.segment.key.start_us
    return int(keys[-1]), times.wall_us(int(found.firsts[keys[-1]]))


def zero_for(piece: Piece, file: SegmentFile, offset: int, at_us: int) -> int:
    """What decode times must count from so that the fragment at this byte begins ``at_us`` after zero."""
    fragment = int(np.searchsorted(file.index.fragments[:, 0], offset))
    return max(piece.segment.run_start_us + begins_us(file.index, fragment) - at_us, 0)
