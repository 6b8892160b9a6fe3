"""The partition of a range into footage and gaps, each gap with its cause.

Pure. The invariant: for any footage, any facts and any range, ``partition`` returns footage and gaps that do not
overlap, leave no hole, and together are exactly the range.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storage.causes import Cause, Layer
from storage.intervals import Interval, clip, merge, subtract

__all__ = ["CausedInterval", "partition", "rank"]

_LAYER_RANK = {Layer.FOOTAGE: 0, Layer.ORDER: 1, Layer.RECORDER: 4}
# A window within an order explains nothing that the order does not.
_ORDER_RANK = {Cause.SCHEDULE: 1, Cause.MAINTENANCE: 2}


class CausedInterval(NamedTuple):
    """An interval with a cause; ``fact`` is the position of the fact it was derived from, or -1 if there is none."""

    start_us: int
    end_us: int
    cause: Cause
    fact: int


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
