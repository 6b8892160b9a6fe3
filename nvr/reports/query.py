"""What a report is asked for, and which cameras that are."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage.catalogue import cameras as camera_rows
from storage.catalogue import selection
from storage.catalogue.selection import Selection
from storage.causes import Cause, CauseClass
from storage.intervals import Interval

__all__ = ["GapQuery", "ReportCamera", "ReportGroup", "chosen"]


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """Cameras whose label ``key`` is ``value``."""

    key: str
    value: str

    def has(self, labels: Mapping[str, str]) -> bool:
        """Whether a camera with these labels belongs to it."""
        own = selection.named(labels, self.key)
        return own is not None and selection.same(own, self.value)

    @property
    def query(self) -> Selection:
        """The same as a query."""
        return selection.of_label(self.key, self.value)


@dataclass(frozen=True, slots=True)
class GapQuery:
    """``cameras``: those named, empty for all. A camera must be in every one of ``groups``, and chosen by ``where``. A
    gap must have one of ``causes`` or be of one of ``classes``, if any are named. Stretches shorter than ``fold_us``
    count as footage. No more than ``limit`` gaps are listed, if it is given; sums are of all. ``plain``: details
    without what cameras and other programs said, for those who are no administrators."""

    range: Interval
    cameras: Sequence[str] = ()
    groups: Sequence[ReportGroup] = ()
    causes: frozenset[Cause] = frozenset()
    classes: frozenset[CauseClass] = frozenset()
    fold_us: int = 0
    limit: int | None = None
    plain: bool = False
    where: Selection = field(default_factory=lambda: selection.parse(""))

    def filters(self) -> dict[str, Any]:
        """The filters as they are answered."""
        return {
            "camera": list(self.cameras),
            "group": [f"{group.key}:{group.value}" for group in self.groups],
            "cause": sorted(self.causes),
            "class": sorted(self.classes),
            **({"where": [self.where.text]} if self.where.terms else {}),
        }

    def lists(self, cause: Cause | None, cause_class: CauseClass) -> bool:
        """Whether gaps of this cause and class are listed."""
        if not self.causes and not self.classes:
            return True
        return cause in self.causes or cause_class in self.classes

    @property
    def fold_s(self) -> float:
        """The threshold in seconds."""
        return self.fold_us / 1_000_000


@dataclass(frozen=True, slots=True)
class ReportCamera:
    """A camera as reports name it. ``key`` is the database's own, and never leaves it."""

    key: int
    id: str
    name: str
    labels: Mapping[str, str]
    is_removed: bool


def chosen(conn: sqlite3.Connection, query: GapQuery, among: Collection[str] | None = None) -> list[ReportCamera]:
    """The cameras asked for, in the order of their names in the question, else by id; with ``among``, as if there were
    these alone. Those removed since belonged to the fleet then.

    Raises:
        KeyError: there never was such a camera.
        SelectionError: a label is named, or a value, that no camera has.
    """
    keys = {row[1]: row[0] for row in conn.execute("SELECT key, id FROM camera")}
    every = [camera for camera in camera_rows.list_all(conn, removed=True) if among is None or camera.id in among]
    for one in (*(group.query for group in query.groups), query.where):
        selection.ensure_known(one, every)
    if query.cameras:
        by_id = {camera.id: camera for camera in every}
        every = [by_id[name] for name in query.cameras]
    return [
        ReportCamera(keys[camera.id], camera.id, camera.name, camera.labels, camera.removed_us is not None)
        for camera in every
        if all(group.has(camera.labels) for group in query.groups) and query.where.has(camera.id, camera.labels)
    ]
