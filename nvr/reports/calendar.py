"""Civil days and hours of a zone. Pure.

Invariant: the days of a range have 23, 24 or 25 hours (or whatever the zone did), follow one another, and cover it.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["HOUR_US", "day_edges", "hour_edges", "local_time"]

HOUR_US: Final = 3_600_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(at_us: int, zone: str) -> datetime:
    """The civil time."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))


def _us(at: datetime) -> int:
    return (at.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _midnight(day: datetime) -> int:
    """The day's first moment. Where clocks skip midnight, the moment of the change; where it comes twice, the first."""
    at_us = _us(day.replace(fold=0))
    back = local_time(at_us, str(day.tzinfo))
    if back.replace(tzinfo=None) == day.replace(tzinfo=None):
        return at_us
    # The offset before the change was used; the change itself is where the clock reads the first time of the day.
    low, high = at_us - 4 * HOUR_US, at_us + 4 * HOUR_US
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if local_time(middle, str(day.tzinfo)).date() >= day.date() else (middle, high)
    return high


def day_edges(start_us: int, end_us: int, zone: str) -> list[int]:
    """``start_us``, the midnights after it, ``end_us``."""
    edges = [start_us]
    first = local_time(start_us, zone)
    day = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)) + timedelta(days=1)
    while (at_us := _midnight(day)) < end_us:
        if at_us > edges[-1]:
            edges.append(at_us)
        day += timedelta(days=1)
    return [*edges, end_us]


def hour_edges(start_us: int, end_us: int, zone: str) -> list[int]:
    """``start_us``, the full hours of the zone's clock and midnights after it, ``end_us``. Where the clock is changed
    within an hour, by half an hour for one, there is an edge too, and full hours go on from there."""
    edges = []
    days = day_edges(start_us, end_us, zone)
    for low, high in itertools.pairwise(days):
        at_us = low
        while at_us < high:
            edges.append(at_us)
            local = local_time(at_us, zone)
            at_us += HOUR_US - (local.minute * 60 + local.second) * 1_000_000 - local.microsecond
    return [*edges, end_us]
