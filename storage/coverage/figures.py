"""Coverage in figures: how much of a time was recorded, how much should have been, and what was in the way.

Pure. Every microsecond that is known is of exactly one category. Invariant: ``known_us`` is the sum of all categories.

- ``recorded``: there is footage.
- ``network``, ``camera``, ``server``: there should be, and is none. An outage is a maximal stretch of these, whatever
  its causes.
- ``planned`` (maintenance, schedule), ``administrative`` (an order), ``absent`` (the camera was not set up): there need
  not be. What was
  recorded all the same counts as recorded.
- ``removed``: there was footage, and it was pruned, deleted or lost since.

Coverage is recorded ÷ required, required being the first four; the others are outside of the figure and shown beside
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.causes import Cause, CauseClass
from storage.coverage.fleet import FleetBatch
from storage.coverage.fleet_partition import CAUSES, CLASSES, Int64

__all__ = [
    "MISSING",
    "NOT_REQUIRED",
    "REQUIRED",
    "Category",
    "FigureTable",
    "Figures",
    "category",
    "category_sums",
    "figure_table",
    "joined",
    "summed",
]


class Category(StrEnum):
    """What a microsecond was."""

    RECORDED = "recorded"
    NETWORK = "network"
    CAMERA = "camera"
    SERVER = "server"
    PLANNED = "planned"
    ADMINISTRATIVE = "administrative"
    ABSENT = "absent"
    REMOVED = "removed"


# In the order of the fields of Figures.
MISSING: Final = tuple(Category)[1:]
REQUIRED: Final = (Category.NETWORK, Category.CAMERA, Category.SERVER)
NOT_REQUIRED: Final = (Category.PLANNED, Category.ADMINISTRATIVE, Category.ABSENT)

_OF_CLASS: Final = {
    CauseClass.NETWORK: Category.NETWORK,
    CauseClass.CAMERA: Category.CAMERA,
    CauseClass.SERVER: Category.SERVER,
    CauseClass.POLICY: Category.REMOVED,
    CauseClass.ADMINISTRATIVE: Category.ADMINISTRATIVE,
}
_OF_CAUSE: Final = {
    Cause.MAINTENANCE: Category.PLANNED,
    Cause.SCHEDULE: Category.PLANNED,
    Cause.NOT_CONFIGURED: Category.ABSENT,
    # It was recorded: what is wrong is not the recording.
    Cause.MISSING: Category.REMOVED,
}


def category(cause: Cause, cause_class: CauseClass) -> Category:
    """What time without footage was, for this cause of this class."""
    return _OF_CAUSE.get(cause) or _OF_CLASS[cause_class]


_CODE: Final[Int64] = np.array([MISSING.index(category(*kind)) for kind in zip(CAUSES, CLASSES, strict=True)], np.int64)
_OUTAGE_CODES: Final = len(REQUIRED)


@dataclass(frozen=True, slots=True)
class Figures:
    """Microseconds by category; ``outages``, their number, and the ``longest_us`` of them."""

    recorded_us: int = 0
    network_us: int = 0
    camera_us: int = 0
    server_us: int = 0
    planned_us: int = 0
    administrative_us: int = 0
    absent_us: int = 0
    removed_us: int = 0
    outages: int = 0
    longest_us: int = 0

    @property
    def outage_us(self) -> int:
        """What should have been recorded and was not."""
        return self.network_us + self.camera_us + self.server_us

    @property
    def required_us(self) -> int:
        """What should have been recorded."""
        return self.recorded_us + self.outage_us

    @property
    def known_us(self) -> int:
        """All of it."""
        return self.required_us + self.planned_us + self.administrative_us + self.absent_us + self.removed_us

    @property
    def was_in_fleet(self) -> bool:
        """Whether it was set up at any time that is known."""
        return self.known_us > self.absent_us

    @property
    def mtbf_us(self) -> int | None:
        """Mean time between outages: recorded time for each; None without any."""
        return self.recorded_us // self.outages if self.outages else None

    @property
    def mttr_us(self) -> int | None:
        """Mean time to repair: how long an outage lasted, one that goes on counted as far as it is known; None without
        any."""
        return self.outage_us // self.outages if self.outages else None

    def __add__(self, other: Figures) -> Figures:
        """Of two different cameras, or groups of them."""
        values = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Figures(**{**values, "longest_us": max(self.longest_us, other.longest_us)})


def summed(parts: Sequence[Figures]) -> Figures:
    """Of different cameras together."""
    return sum(parts, Figures())


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Figures of cameras (rows) in consecutive times (columns). ``lead_us`` and ``trail_us``: how much of a cell's
    outages touches its begin and what is known of it, so that cells can be joined."""

    recorded_us: Int64
    network_us: Int64
    camera_us: Int64
    server_us: Int64
    planned_us: Int64
    administrative_us: Int64
    absent_us: Int64
    removed_us: Int64
    outages: Int64
    longest_us: Int64
    lead_us: Int64
    trail_us: Int64

    @property
    def known_us(self) -> Int64:
        """Of each cell, what is known."""
        total: Int64 = sum((getattr(self, f"{name}_us") for name in Category), np.zeros_like(self.recorded_us))
        return total

    def column(self, number: int) -> FigureTable:
        """One column."""
        return FigureTable(*(getattr(self, f.name)[:, number : number + 1] for f in fields(self)))

    def figures(self, camera: int, column: int = 0) -> Figures:
        """One cell."""
        return Figures(*(int(getattr(self, f.name)[camera, column]) for f in fields(Figures)))

    def over_cameras(self) -> list[Figures]:
        """Of each column, all cameras together."""
        sums = [
            (
                getattr(self, f.name).max(0, initial=0) if f.name == "longest_us" else getattr(self, f.name).sum(0)
            ).tolist()
            for f in fields(Figures)
        ]
        return [Figures(*values) for values in zip(*sums, strict=True)]


def category_sums(batch: FleetBatch, of_cameras: NDArray[np.bool_]) -> dict[Category, int]:
    """The time without footage of these cameras of a batch, by category. Exact: sums stay below 2^53."""
    gaps = batch.gaps
    mine = of_cameras[gaps.camera]
    sums = np.bincount(_CODE[gaps.cause[mine]], gaps.length_us[mine].astype(np.float64), len(MISSING))
    return {name: int(us) for name, us in zip(MISSING, sums.tolist(), strict=True)}


def figure_table(batch: FleetBatch, edges_us: Sequence[int]) -> FigureTable:
    """The figures of a batch between ``edges_us`` (rising, from the range's start to its end)."""
    edges = np.array(edges_us, np.int64)
    columns = len(edges) - 1
    cells = len(batch.cameras) * columns
    shape = (len(batch.cameras), columns)
    camera, column, start, end, category = _cut(batch, edges)
    cell = camera * columns + column
    # Exact: sums stay below 2^53.
    by_category = np.bincount(category * cells + cell, (end - start).astype(np.float64), cells * len(MISSING))
    missing = by_category.astype(np.int64).reshape(len(MISSING), *shape)
    until = np.minimum(edges[1:][None, :], batch.as_of_us[:, None])
    known = np.maximum(until - edges[:-1][None, :], 0)
    is_outage = category < _OUTAGE_CODES
    outages = _outages(cell[is_outage], start[is_outage], end[is_outage])
    count, longest, lead, trail = (np.zeros(cells, np.int64) for _ in range(4))
    of, first, last = outages
    np.add.at(count, of, 1)
    np.maximum.at(longest, of, last - first)
    leading = first == edges[:-1][of % columns]
    lead[of[leading]] = (last - first)[leading]
    trailing = last == until.reshape(-1)[of]
    trail[of[trailing]] = (last - first)[trailing]
    recorded = known - missing.sum(0)
    return FigureTable(recorded, *missing, *(values.reshape(shape) for values in (count, longest, lead, trail)))


def _cut(batch: FleetBatch, edges: Int64) -> tuple[Int64, Int64, Int64, Int64, Int64]:
    """The gaps cut at the edges: camera, column, start, end, category."""
    gaps = batch.gaps
    first = np.searchsorted(edges, gaps.start_us, "right") - 1
    last = np.searchsorted(edges, gaps.end_us, "left") - 1
    times = last - first + 1
    row = np.repeat(np.arange(len(gaps), dtype=np.int64), times)
    column = np.arange(len(row), dtype=np.int64) - np.repeat(np.cumsum(times) - times, times) + first[row]
    start = np.maximum(gaps.start_us[row], edges[column])
    end = np.minimum(gaps.end_us[row], edges[column + 1])
    return gaps.camera[row], column, start, end, _CODE[gaps.cause[row]]


def _outages(cell: Int64, start: Int64, end: Int64) -> tuple[Int64, Int64, Int64]:
    """Pieces of outages that touch within a cell are one: cells, starts, ends."""
    if not len(cell):
        return cell, start, end
    new = np.concatenate([[True], (cell[1:] != cell[:-1]) | (start[1:] != end[:-1])])
    last: NDArray[np.bool_] = np.concatenate([new[1:], [True]])
    return cell[new], start[new], end[last]


def joined(tables: Sequence[FigureTable]) -> FigureTable:
    """The tables' columns, which follow one another in time, as one column."""
    columns = [table.column(number) for table in tables for number in range(table.outages.shape[1])]
    result = columns[0]
    for after in columns[1:]:
        result = _join(result, after)
    return result


def _join(a: FigureTable, b: FigureTable) -> FigureTable:
    touch = np.minimum((a.trail_us > 0) & (b.lead_us > 0), 1)
    whole_a, whole_b = a.lead_us == a.known_us, b.trail_us == b.known_us
    over = np.where(touch, a.trail_us + b.lead_us, 0)
    sums = {f"{name}_us": getattr(a, f"{name}_us") + getattr(b, f"{name}_us") for name in Category}
    return FigureTable(
        **sums,
        outages=a.outages + b.outages - touch,
        longest_us=np.maximum(np.maximum(a.longest_us, b.longest_us), over),
        lead_us=a.lead_us + np.where(whole_a, b.lead_us, 0),
        trail_us=np.where(whole_b, a.trail_us, 0) + b.trail_us,
    )
