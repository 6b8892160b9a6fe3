"""Which bytes of a segment's file show a range: for those who may see that range and nothing else. Pure.

Invariant: they hold every entry that a playlist of the range names of this segment, and no group of pictures beside it.
"""

from __future__ import annotations

import numpy as np

from nvr.playback.groups import fragments
from nvr.playback.mapping import TimeMap
from storage.catalogue.segments import Segment
from storage.format.sample_index import SegmentIndex

__all__ = ["bytes_within"]


def bytes_within(segment: Segment, index: SegmentIndex, start_us: int, end_us: int) -> tuple[int, int] | None:
    """First and last byte of the fragments that show ``[start_us, end_us)``, from the keyframe at or before its start
    on; None if none does."""
    found = fragments(index)
    times = TimeMap.of(segment)
    # As nvr.playback.hls.hls: a keyframe's own wall time is rounded down, those of the microsecond itself count.
    keys = np.flatnonzero((found.sync != 0) & (found.firsts < times.ticks_at(start_us + 1)))
    first = int(keys[-1]) if len(keys) else 0
    last = int(np.searchsorted(found.starts, times.ticks_at(end_us))) - 1
    if not len(found.offsets) or last < first or times.wall_us(int(found.starts[first])) >= end_us:
        return None
    if not segment.growing and segment.end_us <= start_us:
        return None
    return int(found.offsets[first]), found.offset_after(last) - 1
