"""Which gaps are listed, which are folded into footage, and their sums. Pure.

Invariant: of each camera, recorded + missing + folded time is all that is known of the range, as long as no cause is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvr.reports.figure_rows import account_body
from nvr.reports.query import GapQuery
from storage.causes import Cause, CauseClass
from storage.coverage.account import TimeAccount
from storage.coverage.figures import category_sums
from storage.coverage.fleet import FleetBatch
from storage.coverage.fleet_partition import CAUSES, CLASSES, CODE, Gaps, Int64

__all__ = ["Listing", "Tally", "Totals", "fold", "list_batch"]

_Bools = NDArray[np.bool_]
_Name = TypeVar("_Name", Cause, CauseClass)
_NOT_CONFIGURED: Final = CODE[Cause.NOT_CONFIGURED]


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a batch's gaps that are listed, and those folded; the cameras that were in the fleet."""

    batch: FleetBatch
    listed: Int64
    folded: Int64
    in_fleet: _Bools


def list_batch(batch: FleetBatch, query: GapQuery) -> Listing:
    """What of the batch is in the report. A camera that was not set up at any time of the range is left out, unless
    named."""
    gaps = batch.gaps
    absent = gaps.cause == _NOT_CONFIGURED
    absent_us = np.bincount(gaps.camera[absent], gaps.length_us[absent].astype(np.float64), len(batch.cameras))
    in_fleet: _Bools = np.full(len(batch.cameras), True) if query.cameras else absent_us < batch.known_us
    wanted = np.array([query.lists(*kind) for kind in zip(CAUSES, CLASSES, strict=True)])[gaps.cause]
    wanted &= in_fleet[gaps.camera]
    folded = fold(gaps, batch, query.fold_us)
    return Listing(batch, np.flatnonzero(wanted & ~folded), np.flatnonzero(wanted & folded), in_fleet)


def fold(gaps: Gaps, batch: FleetBatch, shorter_than_us: int) -> _Bools:
    """Which gaps count as footage, since their stretch is shorter than the threshold.

    A stretch is what lies between two pieces of footage, whatever its causes: a second of one cause inside an outage is
    no short break. One that reaches the border of what was asked or is known may be longer than can be seen, and stays.
    """
    if not len(gaps) or shorter_than_us <= 0:
        return np.zeros(len(gaps), np.bool_)
    follows = (gaps.camera[1:] == gaps.camera[:-1]) & (gaps.start_us[1:] == gaps.end_us[:-1])
    first = np.concatenate([[True], ~follows])
    last = np.concatenate([~follows, [True]])
    start, end = gaps.start_us[first], gaps.end_us[last]
    until = np.minimum(batch.as_of_us, batch.end_us)[gaps.camera[first]]
    short: _Bools = (start > batch.start_us) & (end < until) & (end - start < shorter_than_us)
    found: _Bools = short[np.cumsum(first) - 1]
    return found


@dataclass(slots=True)
class Tally:
    """How many gaps, and how long in all."""

    gaps: int = 0
    us: int = 0

    def body(self) -> dict[str, Any]:
        """As it is answered."""
        return {"gaps": self.gaps, "missing_s": self.us / 1_000_000}


@dataclass(slots=True)
class Totals:
    """Sums over a report."""

    cameras: int = 0
    recorded_us: int = 0
    listed: Tally = field(default_factory=Tally)
    folded: Tally = field(default_factory=Tally)
    longest_us: int = 0
    kinds: dict[tuple[Cause, CauseClass], Tally] = field(default_factory=dict)
    account: TimeAccount = field(default_factory=TimeAccount)
    """What became of all the time that was asked for, whatever is listed of it."""
    members: list[str] = field(default_factory=list)
    """The cameras."""

    def add(self, listing: Listing) -> None:
        """Counts a batch."""
        batch = listing.batch
        members = int(np.count_nonzero(listing.in_fleet))
        recorded_us = int((batch.known_us - batch.missing_us)[listing.in_fleet].sum())
        self.cameras += members
        self.members += [batch.cameras[number] for number in np.flatnonzero(listing.in_fleet).tolist()]
        self.recorded_us += recorded_us
        asked_us = members * (batch.end_us - batch.start_us)
        self.account += TimeAccount.of_categories(asked_us, recorded_us, category_sums(batch, listing.in_fleet))
        length = batch.gaps.length_us
        self.folded.gaps += len(listing.folded)
        self.folded.us += int(length[listing.folded].sum())
        length, cause = length[listing.listed], batch.gaps.cause[listing.listed]
        if not len(length):
            return
        self.listed.gaps += len(length)
        self.listed.us += int(length.sum())
        self.longest_us = max(self.longest_us, int(length.max()))
        for code in np.unique(cause).tolist():
            tally = self.kinds.setdefault((CAUSES[code], CLASSES[code]), Tally())
            tally.gaps += int(np.count_nonzero(cause == code))
            tally.us += int(length[cause == code].sum())

    @property
    def by_kind(self) -> list[tuple[Cause, CauseClass, Tally]]:
        """Tallies by cause and class, the longest first: most causes have one class."""
        kinds = [(*kind, tally) for kind, tally in self.kinds.items()]
        return sorted(kinds, key=lambda kind: (-kind[2].us, kind[0], kind[1]))

    @property
    def by_cause(self) -> dict[Cause, Tally]:
        """Tallies by cause."""
        return _summed((cause, tally) for (cause, _), tally in self.kinds.items())

    @property
    def by_class(self) -> dict[CauseClass, Tally]:
        """Tallies by class."""
        return _summed((cause_class, tally) for (_, cause_class), tally in self.kinds.items())

    def body(self) -> dict[str, Any]:
        """As it is answered: causes and classes by length, the longest first."""
        return {
            "cameras": self.cameras,
            **account_body(self.account),
            **self.listed.body(),
            "longest_s": self.longest_us / 1_000_000,
            "folded": self.folded.body(),
            "by_cause": _bodies(self.by_cause.items()),
            "by_class": _bodies(self.by_class.items()),
            "by_kind": [
                {"cause": cause, "class": cause_class, **tally.body()} for cause, cause_class, tally in self.by_kind
            ],
        }


def _summed(tallies: Iterable[tuple[_Name, Tally]]) -> dict[_Name, Tally]:
    found: dict[_Name, Tally] = {}
    for name, tally in tallies:
        mine = found.setdefault(name, Tally())
        mine.gaps += tally.gaps
        mine.us += tally.us
    return found


def _bodies(tallies: Iterable[tuple[str, Tally]]) -> dict[str, dict[str, Any]]:
    return {name: tally.body() for name, tally in sorted(tallies, key=lambda item: (-item[1].us, item[0]))}
