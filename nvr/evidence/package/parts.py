"""A part of an export: fragments of one segment, and when what they show begins and ends."""

from __future__ import annotations

from dataclasses import dataclass

from nvr.playback.mapping import TimeMap
from storage.coverage.one_camera import Piece
from storage.format.sample_index import SegmentIndex

__all__ = ["PackagePart", "part_of"]


@dataclass(frozen=True, slots=True)
class PackagePart:
    """The fragments ``[first, last)`` of a segment, its bytes ``[begin, end)``, shown from ``start_us`` to
    ``end_us``."""

    piece: Piece
    first: int
    last: int
    begin: int
    end: int
    start_us: int
    end_us: int
    frames: int


def part_of(piece: Piece, index: SegmentIndex, first: int, last: int) -> PackagePart:
    """The fragments ``[first, last)`` of a piece's segment, which has this index."""
    video, clock = index.video, TimeMap.of(piece.segment)
    rows = video.fragments[(video.fragments[:, 0] >= first) & (video.fragments[:, 0] < last)]
    a, b = int(rows[0, 1]), int(rows[-1, 1] + rows[-1, 2])
    pts = (video.decode_times + video.offsets)[a:b]
    ends = pts + video.durations[a:b]
    end_us = clock.wall_us(int(ends.max()))
    if last == len(index.fragments) and not piece.segment.growing:
        end_us = piece.segment.end_us
    # A hole at its end is none of what it delivers.
    last_us = clock.wall_us(int(pts.max()))
    end_us = min([end_us, *(a for a, _ in piece.segment.holes if a > last_us)])
    return PackagePart(
        piece,
        first,
        last,
        int(index.fragments[first, 0]),
        int(index.fragments[last - 1].sum()),
        clock.wall_us(int(pts.min())),
        end_us,
        b - a,
    )
