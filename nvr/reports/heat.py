"""The picture of coverage in a report, a row a day and an hour a cell: what it shows, in which colour. Pure but for
reading; HTML and PDF draw it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from nvr.reports.calendar import hour_edges, local_time
from nvr.reports.document import GapDocument
from nvr.reports.query import ReportCamera
from nvr.texts import Formats
from storage.coverage.closed_days import tables_between
from storage.coverage.figures import Category, Figures
from storage.intervals import DAY_US

__all__ = ["COLOURS", "HeatDay", "cell_fill", "heat", "is_pictured", "legend"]

# Of categories, in pictures and marks. Told apart in grey too.
COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "recorded": (45, 125, 98),
    "network": (230, 149, 40),
    "camera": (196, 64, 48),
    "server": (122, 74, 170),
    "planned": (150, 184, 214),
    "administrative": (74, 108, 146),
    "removed": (132, 136, 142),
    "absent": (224, 227, 231),
    "unknown": (246, 247, 248),
}
# More days than that are no picture any more.
_LONGEST_US: Final = 93 * DAY_US


@dataclass(frozen=True, slots=True)
class HeatDay:
    """A row of a picture: a civil day, and the figures of each of its 24 hours by the clock. None: not in the range, or
    skipped by the clock; an hour that comes twice is one."""

    day: date
    hours: Sequence[Figures | None]

    def label(self, formats: Formats) -> str:
        """``23 Nov``."""
        return f"{self.day.day} {formats.words.short_months[self.day.month - 1]}"

    def share(self, formats: Formats) -> str:
        """How much of what was required is recorded, in percent."""
        hours = [mine for mine in self.hours if mine is not None]
        return formats.percent(sum(mine.recorded_us for mine in hours), sum(mine.required_us for mine in hours))


def is_pictured(report: GapDocument) -> bool:
    """Whether the report has a picture: it has cameras, and not too many days."""
    return bool(report.found) and report.asked_us <= _LONGEST_US


def heat(conn: sqlite3.Connection, cameras: Sequence[ReportCamera], report: GapDocument) -> list[HeatDay]:
    """The picture of the cameras together, an hour a cell."""
    zone = report.reader.zone
    edges = hour_edges(*report.query.range, zone)
    sums = [Figures()] * (len(edges) - 1)
    keys = [(camera.key, camera.id) for camera in cameras]
    for table in tables_between(conn, keys, edges, now_us=report.now_us):
        sums = [a + b for a, b in zip(sums, table.over_cameras(), strict=True)]
    days: dict[date, list[Figures | None]] = {}
    for at_us, mine in zip(edges, sums, strict=False):
        local = local_time(at_us, zone)
        hours = days.setdefault(local.date(), [None] * 24)
        before = hours[local.hour]
        hours[local.hour] = mine if before is None else before + mine
    return [HeatDay(day, hours) for day, hours in days.items()]


def cell_fill(mine: Figures, *, one: bool) -> tuple[str, float]:
    """How an hour is drawn: the colour of what was not recorded, by its longest part, and the share recorded, from the
    left. Cameras that were not set up don't count beside others. What is missing of ``one`` camera is never narrower
    than an eighth: a second of an hour would be less than a hair. Of many, something is always missing somewhere, and a
    wide mark would say that it is much."""
    if not mine.known_us:
        return "unknown", 0.0
    if mine.known_us == mine.absent_us:
        return "absent", 0.0
    present_us = mine.known_us - mine.absent_us
    if mine.recorded_us == present_us:
        return "recorded", 0.0
    missing = {
        name.value: getattr(mine, f"{name}_us") for name in Category if name not in (Category.RECORDED, Category.ABSENT)
    }
    return max(missing, key=lambda name: missing[name]), min(
        mine.recorded_us / present_us, 1 - (1 / 8 if one else 1 / 34)
    )


def legend(days: Sequence[HeatDay], formats: Formats) -> list[tuple[str, str]]:
    """The colours that the picture has, each with its word."""
    shown = [mine for day in days for mine in day.hours if mine is not None]
    found = [
        (name.value, formats.words.categories[name])
        for name in Category
        if any(getattr(mine, f"{name}_us") for mine in shown)
    ]
    if any(not mine.known_us for mine in shown):
        found.append(("unknown", formats.say("not_known")))
    return found
