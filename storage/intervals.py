"""Half-open intervals of microseconds: merged, clipped, subtracted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = [
    "DAY_US",
    "SECOND_US",
    "Interval",
    "clip",
    "cut_at_days",
    "merge",
    "subtract",
]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


class Interval(NamedTuple):
    """``[start_us, end_us)``."""

    start_us: int
    end_us: int


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, disjoint, maximal intervals covering the same time. Overlaps and containment are welcome; empty ones
    vanish.

    The end that counts is the running maximum, not the previous row's: a long interval may contain later short ones.
    """
    merged: list[Interval] = []
    for start_us, end_us in sorted(intervals):
        if end_us <= start_us:
            continue
        if merged and start_us <= merged[-1].end_us:
            if end_us > merged[-1].end_us:
                merged[-1] = Interval(merged[-1].start_us, end_us)
        else:
            merged.append(Interval(start_us, end_us))
    return merged


def clip(intervals: Iterable[Interval], start_us: int, end_us: int) -> list[Interval]:
    """The parts of the intervals inside ``[start_us, end_us)``."""
    return [Interval(max(a, start_us), min(b, end_us)) for a, b in intervals if max(a, start_us) < min(b, end_us)]


def subtract(start_us: int, end_us: int, merged: Sequence[Interval]) -> list[Interval]:
    """What is left of ``[start_us, end_us)`` without ``merged`` (sorted and disjoint, as ``merge`` returns)."""
    rest: list[Interval] = []
    at_us = start_us
    for a, b in merged:
        if b <= at_us:
            continue
        if a >= end_us:
            break
        if a > at_us:
            rest.append(Interval(at_us, a))
        at_us = b
    if at_us < end_us:
        rest.append(Interval(at_us, end_us))
    return rest


def cut_at_days(start_us: int, end_us: int) -> list[Interval]:
    """The interval cut at UTC midnights."""
    parts: list[Interval] = []
    while start_us < end_us:
        midnight_us = (start_us // DAY_US + 1) * DAY_US
        parts.append(Interval(start_us, min(end_us, midnight_us)))
        start_us = midnight_us
    return parts
