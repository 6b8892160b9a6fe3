"""One camera's recorded fragments from a moment on, in the order of time, planned a stretch at a time.

Invariants: what comes is every fragment that shows ``[start_us, end_us)``, from the keyframe at or before its start on,
each once; where nothing is, a gap comes, so that whoever merges several cameras is never kept waiting by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nvr.playback.errors import FootageGone
from nvr.playback.groups import Fragments
from nvr.playback.index_cache import IndexCache, OpenSegment
from nvr.playback.mapping import TimeMap
from nvr.playback.player_time import counted_from
from nvr.playback.reading import read_exactly
from nvr.playback.shown import ShownFootage, keyframe_before, shown_footage
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.coverage.one_camera import Piece
from storage.intervals import Interval

__all__ = ["TileFragment", "TileGap", "read_fragment", "tile_fragments"]

# What is planned at once: a minute, and more where nothing is.
_STRETCH_US: Final = 60 * 1_000_000
_LONGEST_STRETCH_US: Final = 3600 * 1_000_000
# A run's clock and ours differ by parts of a million: moved by so little that a moment's frame is that frame.
_DRIFT_US: Final = 500
# What lies between two runs on one connection is less than this, and no gap to anybody.
_SLIVER_US: Final = 100_000


@dataclass(frozen=True, slots=True)
class TileFragment:
    """A fragment that is shown ``[start_us, end_us)``: bytes ``first`` to ``last`` of a segment's file, with decode
    times that count from ``zero_us``."""

    start_us: int
    end_us: int
    segment: Segment
    first: int
    last: int
    zero_us: int


@dataclass(frozen=True, slots=True)
class TileGap:
    """Nothing to show in ``[start_us, end_us)``; ``lost``: something was recorded, and its file is gone or damaged."""

    start_us: int
    end_us: int
    lost: bool = False


def tile_fragments(
    database: Database,
    cache: IndexCache,
    camera: str,
    start_us: int,
    end_us: int,
    *,
    origin_us: int,
    within: Sequence[Interval] | None = None,
) -> Iterator[TileFragment | TileGap]:
    """What shows ``[start_us, end_us)``; presentation times are wall times less ``origin_us``. ``within``: of these
    times alone."""
    at_us, length_us = start_us, _STRETCH_US
    sent: tuple[Key, int] | None = None
    zeros = _Zeros(origin_us)
    while at_us < end_us:
        until_us = min(at_us + length_us, end_us)
        reached_us, anything = at_us, False
        try:
            footage = shown_footage(database, cache, camera, at_us, until_us, within=within)
        except FootageGone:
            yield TileGap(at_us, until_us, lost=True)
            at_us, length_us = until_us, _STRETCH_US
            continue
        for found in _of(footage, zeros):
            if isinstance(found, TileGap):
                yield found
                continue
            if sent is not None and found.segment.key == sent[0] and found.first <= sent[1]:
                reached_us = max(reached_us, found.end_us)
                continue
            if found.start_us - reached_us >= _SLIVER_US:
                yield TileGap(reached_us, found.start_us)
            anything = True
            sent = found.segment.key, found.first
            reached_us = max(reached_us, found.end_us)
            yield found
        if until_us - reached_us >= _SLIVER_US:
            yield TileGap(reached_us, until_us)
        at_us = until_us
        length_us = _STRETCH_US if anything else min(length_us * 2, _LONGEST_STRETCH_US)


class _Zeros:
    """From when decode times count, run by run: moved only where the run's clock has drifted from ours."""

    def __init__(self, origin_us: int) -> None:
        self._origin_us = origin_us
        self._run: Key | None = None
        self._zero_us = 0

    def of(self, segment: Segment, ticks: int, wall_us: int) -> int:
        exact_us = segment.run_start_us + ticks * 1_000_000 // segment.timescale - (wall_us - self._origin_us)
        run = Key(segment.key.camera, segment.run_start_us, segment.key.node, segment.key.epoch)
        if run != self._run or abs(exact_us - self._zero_us) > _DRIFT_US:
            self._run, self._zero_us = run, exact_us
        return max(self._zero_us, 0)


def _of(footage: ShownFootage, zeros: _Zeros) -> Iterator[TileFragment | TileGap]:
    lost = [TileGap(piece.start_us, piece.end_us, lost=True) for piece in footage.gone]
    for piece in footage.pieces:
        while lost and lost[0].start_us < piece.start_us:
            yield lost.pop(0)
        yield from _of_piece(piece, footage.known[piece.segment.key], footage.files[piece.segment.key].index.media_end,
                             zeros)  # fmt: skip
    yield from lost


def _of_piece(piece: Piece, found: Fragments, media_end: int, zeros: _Zeros) -> Iterator[TileFragment]:
    times, segment = TimeMap.of(piece.segment), piece.segment
    first, _ = keyframe_before(piece, found)
    last = int(np.searchsorted(found.starts, times.ticks_at(piece.end_us))) - 1
    for number in range(first, last + 1):
        ticks = int(found.starts[number])
        end = int(found.starts[number + 1]) if number + 1 < len(found.starts) else media_end
        start_us, end_us = times.wall_us(ticks), min(times.wall_us(end), piece.end_us)
        zero_us = zeros.of(segment, ticks, start_us)
        begin = int(found.offsets[number])
        yield TileFragment(start_us, max(end_us, start_us), segment, begin, found.offset_after(number) - 1, zero_us)


def read_fragment(opened: OpenSegment, wanted: TileFragment) -> bytes:
    """The fragment's bytes, counted from its zero.

    Raises:
        FootageDamaged: they can't be read, or are not what the index says.
    """
    data = read_exactly(opened, wanted.first, wanted.last + 1 - wanted.first)
    return counted_from(wanted.zero_us, opened, wanted.first, data)
