"""What stays beside a gap that a decision of people explains: the cause that the recorder saw, and other decisions in
force.

An order entered late explains a stretch that had another cause before: that one is kept in sight. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from storage.catalogue.facts import Fact
from storage.causes import Cause, Layer
from storage.coverage.partition import CausedInterval
from storage.times import iso

__all__ = ["Attribution", "attribute"]

# Of a month's late order over a camera that changes its mind every minute, a reader wants the sum, not each.
_MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Attribution:
    """``originals``: (cause, start_us, end_us) as the recorder saw it, where that differs from the gap's cause.
    ``also``: other facts of decisions that were in force at some time of the gap."""

    originals: Sequence[tuple[Cause, int, int]]
    also: Sequence[Fact]

    def detail(self) -> dict[str, Any]:
        """As members of the gap's detail. ``original_cause`` is the one that held longest."""
        found: dict[str, Any] = {}
        if self.originals:
            lengths: dict[Cause, int] = {}
            for cause, start_us, end_us in self.originals:
                lengths[cause] = lengths.get(cause, 0) + end_us - start_us
            found["original_cause"] = max(lengths, key=lambda cause: (lengths[cause], cause)).value
            found["original_causes"] = [
                {"cause": cause.value, "start": iso(a), "end": iso(b)} for cause, a, b in self.originals[:_MOST_LISTED]
            ]
            if len(self.originals) > _MOST_LISTED:
                found["original_causes_omitted"] = len(self.originals) - _MOST_LISTED
        if self.also:
            found["also"] = [{"cause": fact.cause.value, **fact.detail} for fact in self.also[:_MOST_LISTED]]
        return found


def attribute(gaps: Sequence[CausedInterval], known: Sequence[Fact]) -> list[Attribution | None]:
    """For each gap, in their order, what stays beside it; None where nothing does. ``known`` are the facts, by start;
    ``gaps`` point into them."""
    found: list[Attribution | None] = []
    at = 0
    active: list[tuple[int, Fact]] = []
    for gap in gaps:
        # A sweep, as in partition: gaps come by time, and each fact enters once.
        while at < len(known) and known[at].start_us < gap.end_us:
            if known[at].layer is not Layer.FOOTAGE:
                active.append((at, known[at]))
            at += 1
        active = [(i, fact) for i, fact in active if fact.end_us is None or fact.end_us > gap.start_us]
        if gap.fact < 0 or known[gap.fact].layer is not Layer.ORDER:
            found.append(None)
            continue
        originals: list[tuple[Cause, int, int]] = []
        also: list[Fact] = []
        for i, fact in active:
            a = max(fact.start_us, gap.start_us)
            b = gap.end_us if fact.end_us is None else min(fact.end_us, gap.end_us)
            if a >= b or i == gap.fact:
                continue
            if fact.layer is Layer.ORDER:
                also.append(fact)
            elif fact.cause is not gap.cause:
                originals.append((fact.cause, a, b))
        found.append(Attribution(originals, also) if originals or also else None)
    return found
