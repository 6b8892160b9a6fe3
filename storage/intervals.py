"""Half-open intervals of microseconds, and the partition of a range into footage and gaps.

Pure. The invariant of this module: for any footage, any facts and any range, ``partition`` returns footage and gaps
that do not overlap, leave no hole, and together are exactly the range.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storage.causes import Cause, Layer

__all__ = [
    "DAY_US",
    "SECOND_US",
    "CausedInterval",
    "Interval",
    "clip",
    "cut_at_days",
    "merge",
    "partition",
    "rank",
    "subtract",
]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

_LAYER_RANK = {Layer.FOOTAGE: 0, Layer.ORDER: 1, Layer.RECORDER: 4}
# A window within an order explains nothing that the order does not.
_ORDER_RANK = {Cause.SCHEDULE: 1, Cause.MAINTENANCE: 2}


class Interval(NamedTuple):
    """``[start_us, end_us)``."""

    start_us: int
    end_us: int


class CausedInterval(NamedTuple):
    """An interval with a cause; ``fact`` is the position of the fact it was derived from, or -1 if there is none."""

    start_us: int
    end_us: int
    cause: Cause
    fact: int


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


def partition(
    start_us: int,
    end_us: int,
    footage: Iterable[Interval],
    facts: Sequence[tuple[int, int | None, Cause]],
    layers: Sequence[Layer] | None = None,
) -> tuple[list[Interval], list[CausedInterval]]:
    """Footage and gaps of ``[start_us, end_us)``.

    ``facts`` are ``(start_us, end_us or None while open, cause)`` in any order, ``layers`` the layer of each; without,
    those of their causes. Where several facts hold at once the layer decides, within ``order`` the cause (``disabled``,
    ``schedule``, ``maintenance``), then the later start, then the later position. A stretch that no fact explains is
    ``unknown``.
    """
    spans = merge(clip(footage, start_us, end_us))
    gaps: list[CausedInterval] = []
    relevant = [
        (
            -rank(cause, layers[i] if layers else cause.layer),
            a,
            i,
            max(a, start_us),
            end_us if b is None else min(b, end_us),
            cause,
        )
        for i, (a, b, cause) in enumerate(facts)
        if a < end_us and (b is None or b > start_us)
    ]
    relevant.sort(key=lambda fact: fact[3])
    at = 0
    active: list[tuple[int, int, int, int, int, Cause]] = []
    for gap in subtract(start_us, end_us, spans):
        # A sweep: each fact enters once and leaves for good, so a month-long order does not make every gap look at all.
        while at < len(relevant) and relevant[at][3] < gap.end_us:
            active.append(relevant[at])
            at += 1
        active = [fact for fact in active if fact[4] > gap.start_us]
        gaps.extend(_attribute(gap, active))
    return spans, gaps


def rank(cause: Cause, layer: Layer) -> int:
    """Where several facts hold at once, the one of the least rank decides."""
    return _LAYER_RANK[layer] + (_ORDER_RANK.get(cause, 0) if layer is Layer.ORDER else 0)


def _attribute(gap: Interval, facts: Sequence[tuple[int, int, int, int, int, Cause]]) -> list[CausedInterval]:
    """The gap cut wherever the deciding fact changes. ``facts`` are sorted by where they begin in the range."""
    cuts = sorted(
        {gap.start_us, gap.end_us} | {max(f[3], gap.start_us) for f in facts} | {min(f[4], gap.end_us) for f in facts}
    )
    parts: list[CausedInterval] = []
    # The deciding fact is the least of a heap, which facts that are over leave when they come up: a month of a camera
    # that changes its mind every minute is one gap of 43,200 facts.
    heap: list[tuple[int, int, int, int, Cause]] = []
    at = 0
    for a, b in itertools.pairwise(cuts):
        while at < len(facts) and facts[at][3] <= a:
            order, start_us, position, _, end_us, cause = facts[at]
            heapq.heappush(heap, (-order, -start_us, -position, end_us, cause))
            at += 1
        while heap and heap[0][3] <= a:
            heapq.heappop(heap)
        cause, fact = (heap[0][4], -heap[0][2]) if heap else (Cause.UNKNOWN, -1)
        if parts and parts[-1].fact == fact:
            parts[-1] = CausedInterval(parts[-1].start_us, b, cause, fact)
        else:
            parts.append(CausedInterval(a, b, cause, fact))
    return parts
