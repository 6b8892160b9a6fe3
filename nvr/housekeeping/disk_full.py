"""Which cameras pause when no more footage may be deleted and the disks fill up. Pure.

Invariant: none pauses before every disk's free space is below half of its floor, and never one before a less important
one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from storage.retention.plan import Disk

__all__ = ["paused", "scarcity"]

# Free space swings with every segment that comes and goes: a camera that paused comes back only when it would still
# record with this much less, as a share of the floor's half.
_SLACK: Final = 0.1


def scarcity(disks: Sequence[Disk]) -> float:
    """0: some disk has half of its floor free. 1: none has more than a twentieth, which is left for closing and
    adopting segments. New segments go to where there is most room, so the best disk counts; with no disk there is
    nothing to pause for."""
    lacks = []
    for disk in disks:
        half, last = disk.floor_bytes / 2, disk.floor_bytes / 20
        if half > last:
            lacks.append((half - disk.free_bytes) / (half - last))
    return min(lacks, default=0.0)


def paused(priorities: Mapping[str, int], before: Collection[str], lack: float) -> list[str]:
    """The cameras that must not record now, least important first: the lower their priority, and then their id, the
    sooner. ``before`` are those paused so far, ``lack`` the ``scarcity``."""
    order = sorted(priorities, key=lambda id_: (priorities[id_], id_))
    least = _count(lack, len(order))
    most = _count(lack + _SLACK, len(order)) if before else least
    return order[: max(least, min(most, sum(id_ in before for id_ in order)))]


def _count(lack: float, cameras: int) -> int:
    return max(0, min(cameras, math.ceil(lack * cameras)))
