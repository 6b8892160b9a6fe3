"""Coverage of a fleet in figures: by camera, by a label's values, by day, by hour; and the outages that go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nvr.cameras.present import present
from nvr.reports.calendar import day_edges, hour_edges
from nvr.reports.query import GapQuery, ReportCamera
from storage.catalogue.selection import Spellings, named
from storage.causes import Cause, CauseClass, class_of
from storage.coverage.closed_days import figures, tables_between
from storage.coverage.figures import Figures, summed

__all__ = [
    "CameraFigures",
    "Outage",
    "TimeFigures",
    "by_camera",
    "by_label",
    "by_time",
    "current_outages",
]


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """A camera's figures over the range."""

    camera: ReportCamera
    figures: Figures


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """The figures of all cameras together in ``[start_us, end_us)``."""

    start_us: int
    end_us: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Outage:
    """A camera that should be recorded and is not. ``since_us`` is the end of its footage or of what kept it from being
    required. ``cause`` is the one in force now; None if its recorder does not report."""

    camera: ReportCamera
    since_us: int
    cause: Cause | None
    detail: Mapping[str, Any]

    @property
    def cause_class(self) -> CauseClass:
        """Who has to act on it."""
        return CauseClass.SERVER if self.cause is None else class_of(self.cause, self.detail)


def by_camera(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, *, now_us: int
) -> list[CameraFigures]:
    """Of each camera that was in the fleet at any time of the range, or that is named."""
    keys = [(camera.key, camera.id) for camera in cameras]
    found = zip(cameras, figures(conn, keys, *query.range, now_us=now_us), strict=True)
    return [CameraFigures(camera, mine) for camera, mine in found if query.cameras or mine.was_in_fleet]


def by_label(found: Sequence[CameraFigures], label: str) -> list[tuple[str | None, int, Figures]]:
    """Value (None: the camera has no such label), number of cameras, figures; by value, None last. Values that differ
    in case alone are one."""
    own = [named(one.camera.labels, label) for one in found]
    spelt = Spellings(value for value in own if value is not None)
    groups: dict[str | None, list[Figures]] = {}
    for one, value in zip(found, own, strict=True):
        groups.setdefault(None if value is None else spelt.of(value), []).append(one.figures)
    ordered = sorted(groups.items(), key=lambda group: (group[0] is None, group[0] or ""))
    return [(value, len(members), summed(members)) for value, members in ordered]


def by_time(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, *, hours: bool, zone: str, now_us: int
) -> list[TimeFigures]:
    """Of each day or hour of the zone, cut to the range."""
    edges = (hour_edges if hours else day_edges)(*query.range, zone)
    sums = [Figures()] * (len(edges) - 1)
    for table in tables_between(conn, [(camera.key, camera.id) for camera in cameras], edges, now_us=now_us):
        sums = [a + b for a, b in zip(sums, table.over_cameras(), strict=True)]
    return [TimeFigures(a, b, mine) for a, b, mine in zip(edges, edges[1:], sums, strict=False)]


def current_outages(conn: sqlite3.Connection, cameras: Sequence[ReportCamera], *, now_us: int) -> Iterator[Outage]:
    """Cameras that should be recorded now and are not, in their order."""
    found = present(conn, now_us)
    for camera in cameras:
        now = found.get(camera.id)
        if now is not None and now.is_down and now.since_us is not None:
            yield Outage(camera, now.since_us, now.cause, now.detail or {})
