"""Fragments of a segment as playlists count them: groups that begin with a keyframe. Pure.

Invariant: the groups of a segment do not depend on the range that was asked for, so that caches and neighbouring
playlists agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from storage.format.sample_index import Array, Flags, SegmentIndex

__all__ = ["Fragments", "fragments", "group_starts"]

# An entry of about 4 s keeps a day's playlist at 80 kB compressed; above 4 Mbit/s bytes dominate seeking, since a
# player loads a whole entry before it shows a frame, so there it is one group of pictures, unless that is shorter than
# a second.
_GROUP_S: Final = 4
_HEAVY_BPS: Final = 4_000_000
_HEAVY_GROUP_S: Final = 1
# Cameras' seconds and ours differ: a keyframe this little early is the one that was meant.
_SLACK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Fragments:
    """The fragments that carry video, in order: offset in the file; when its earliest picture, and its first in decode
    order, are shown, in ticks; whether that first is a keyframe. ``end_offset`` is where the last ends; ``duration`` of
    each in ticks of decode time."""

    offsets: Array
    starts: Array
    firsts: Array
    sync: Flags
    durations: Array
    end_offset: int

    def offset_after(self, number: int) -> int:
        """Where the bytes of fragment ``number`` end. What stands before the next one (sound only) belongs to it."""
        return int(self.offsets[number + 1]) if number + 1 < len(self.offsets) else self.end_offset


def fragments(index: SegmentIndex) -> Fragments:
    """The fragments of a segment."""
    video = index.video
    rows = video.fragments
    if not len(rows):
        none = np.empty(0, np.int64)
        return Fragments(none, none, none, none != 0, none, index.end_offset)
    first = rows[:, 1]
    before = np.concatenate([[0], np.cumsum(video.durations)])
    durations = before[first + rows[:, 2]] - before[first]
    offsets = video.offsets
    firsts = rows[:, 4] + offsets[first]
    # Without reordering the first is the earliest; with it, all must be looked at.
    starts = firsts if not offsets.any() else np.minimum.reduceat(video.decode_times + offsets, first)
    return Fragments(index.fragments[rows[:, 0], 0], starts, firsts, video.sync[first], durations, index.end_offset)


def group_starts(found: Fragments, timescale: int) -> list[int]:
    """The numbers of the fragments with which a playlist's entries begin."""
    keys = np.flatnonzero(found.sync)
    if not len(keys):
        return []
    ticks = int(found.starts[-1] - found.starts[0]) or 1
    heavy = (found.end_offset - int(found.offsets[0])) * 8 * timescale > _HEAVY_BPS * ticks
    step = int(((_HEAVY_GROUP_S if heavy else _GROUP_S) - _SLACK_S) * timescale)
    times = found.firsts[keys]
    chosen = [0]
    while True:
        # At least the next keyframe, whatever the times say.
        after = max(int(np.searchsorted(times, times[chosen[-1]] + step)), chosen[-1] + 1)
        if after >= len(keys):
            return [int(keys[number]) for number in chosen]
        chosen.append(after)
