"""The gap report: which gaps of which cameras are listed, which are folded into footage, and their sums. Pure.

Invariant: of each camera, recorded + missing + folded time is all that is known of the range, as long as no cause is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nvr.api.times import seconds
from storage.causes import Cause
from storage.coverage import Coverage, Gap

__all__ = ["Folded", "Tally", "Totals", "fold", "never_in_fleet"]


@dataclass(frozen=True, slots=True)
class Folded:
    """Gaps to list, and those that the reader wanted counted as footage."""

    kept: Sequence[Gap]
    folded: Sequence[Gap]


def fold(coverage: Coverage, shorter_than_us: int) -> Folded:
    """Folds stretches without footage that are shorter than the threshold.

    A stretch is what lies between two pieces of footage, whatever its causes: a second of one cause inside an outage is no short
    break. One that reaches the border of what was asked or is known may be longer than can be seen, and stays.
    """
    kept: list[Gap] = []
    folded: list[Gap] = []
    for stretch in _stretches(coverage.gaps):
        start_us, end_us = stretch[0].start_us, stretch[-1].end_us
        inside = start_us > coverage.start_us and end_us < coverage.as_of_us
        (folded if inside and end_us - start_us < shorter_than_us else kept).extend(stretch)
    return Folded(kept, folded)


def _stretches(gaps: Iterable[Gap]) -> list[list[Gap]]:
    stretches: list[list[Gap]] = []
    for gap in gaps:
        if stretches and stretches[-1][-1].end_us == gap.start_us:
            stretches[-1].append(gap)
        else:
            stretches.append([gap])
    return stretches


def never_in_fleet(coverage: Coverage) -> bool:
    """Whether the camera was not meant to be recorded at any time of the range: added later, or removed before. Judged by the
    facts of then; when it was last added says nothing about a camera that came, went and came back."""
    return not coverage.spans and all(gap.cause is Cause.NOT_CONFIGURED for gap in coverage.gaps)


@dataclass(slots=True)
class Tally:
    """How many gaps, and how long in all."""

    gaps: int = 0
    us: int = 0

    def add(self, gap: Gap) -> None:
        """Counts a gap."""
        self.gaps += 1
        self.us += gap.end_us - gap.start_us

    def body(self) -> dict[str, Any]:
        """As it is answered."""
        return {"gaps": self.gaps, "missing_s": seconds(self.us)}


@dataclass(slots=True)
class Totals:
    """Sums over a report."""

    cameras: int = 0
    recorded_us: int = 0
    listed: Tally = field(default_factory=Tally)
    folded: Tally = field(default_factory=Tally)
    longest_us: int = 0
    by_cause: dict[str, Tally] = field(default_factory=dict)
    by_class: dict[str, Tally] = field(default_factory=dict)

    def add(self, coverage: Coverage, listed: Iterable[Gap], folded: Iterable[Gap]) -> None:
        """Counts a camera."""
        self.cameras += 1
        self.recorded_us += coverage.recorded_us
        for gap in listed:
            self.listed.add(gap)
            self.longest_us = max(self.longest_us, gap.end_us - gap.start_us)
            self.by_cause.setdefault(gap.cause, Tally()).add(gap)
            self.by_class.setdefault(gap.cause.cause_class, Tally()).add(gap)
        for gap in folded:
            self.folded.add(gap)

    def body(self) -> dict[str, Any]:
        """As it is answered: causes and classes by length, the longest first."""
        return {
            "cameras": self.cameras,
            "recorded_s": seconds(self.recorded_us),
            **self.listed.body(),
            "longest_s": seconds(self.longest_us),
            "folded": self.folded.body(),
            "by_cause": _bodies(self.by_cause),
            "by_class": _bodies(self.by_class),
        }


def _bodies(tallies: dict[str, Tally]) -> dict[str, dict[str, Any]]:
    return {name: tally.body() for name, tally in sorted(tallies.items(), key=lambda item: (-item[1].us, item[0]))}
