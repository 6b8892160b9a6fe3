"""From fragments to what a player loads at once: groups that begin with a keyframe. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.index import FragmentRow

__all__ = ["Group", "group"]

_GROUP_S: Final = 4.0
# Above this a group of four seconds takes long to load, and a player shows nothing before it has all of it.
_DENSE_BPS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Group:
    """Fragments that follow one another in a file: its byte range, and the presentation time of its first picture in ticks."""

    offset: int
    size: int
    start: int


def group(rows: Sequence[FragmentRow], timescale: int) -> list[Group]:
    """Groups of about four seconds, or of one group of pictures each where there are more than 4 Mbit/s. ``rows`` begin with a sync sample."""
    if not rows:
        return []
    ticks = max(rows[-1].end - rows[0].start, 1)
    dense = sum(row.size for row in rows) * 8 * timescale / ticks > _DENSE_BPS
    groups: list[Group] = []
    first = rows[0]
    end = first.offset
    for row in rows:
        if row.sync and row is not first and (dense or row.start - first.start >= _GROUP_S * timescale):
            groups.append(Group(first.offset, end - first.offset, first.start))
            first = row
        end = row.offset + row.size
    groups.append(Group(first.offset, end - first.offset, first.start))
    return groups
