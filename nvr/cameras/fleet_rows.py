"""The fleet as a list that is loaded once and then follows changes: a slim row a camera, and the number of the change
that made it what it is.

Invariants: who has a row's change has the row as it is now; a row that did not change is not given again; what is
handed out to go on with tells nothing of cameras that who asks may not know of, not even that one of them changed.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from nvr.cameras.present import CameraNow, present
from storage.causes import Cause, CauseClass

__all__ = ["FleetChanges", "FleetRow", "FleetRows", "FleetState", "labels_of"]

_FRESH_US: Final = 2_000_000
# Whoever is further behind gets everything.
_MOST: Final = 10_000


class FleetState(StrEnum):
    """``DOWN``: it should be recorded and is not; ``OFF``: a decision says that it need not be, and it is not."""

    RECORDED = "recorded"
    DOWN = "down"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A camera in the list. ``since_us``: of one that is not recorded, where its outage or the decision began.
    ``letter``: of the order that it is under. ``live``: it has a stream of its own for walls."""

    id: str
    name: str
    labels: str
    state: FleetState
    cause: Cause | None
    cause_class: CauseClass | None
    since_us: int | None
    letter: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class FleetChanges:
    """``token``: what to ask with the next time. ``is_whole``: these are all cameras, and no others."""

    as_of_us: int
    token: str
    is_whole: bool
    rows: list[FleetRow]
    gone: list[str]


_CAMERAS: Final = (
    "SELECT id, name, labels, json_extract(settings, '$.live_url') IS NOT NULL AS live"
    " FROM camera WHERE removed_us IS NULL ORDER BY id"
)


def _row(camera: sqlite3.Row, now: CameraNow) -> FleetRow:
    if now.is_recording:
        state, cause, cause_class, since_us = FleetState.RECORDED, None, None, None
    else:
        state = FleetState.DOWN if now.is_required else FleetState.OFF
        cause, cause_class, since_us = now.cause, now.cause_class, now.since_us
    detail: Any = now.detail or {}
    letter = detail.get("letter") if cause is Cause.DISABLED else None
    return FleetRow(
        camera["id"],
        camera["name"],
        camera["labels"],
        state,
        cause,
        cause_class,
        since_us,
        None if letter is None else str(letter),
        bool(camera["live"]),
    )


class FleetRows:
    """One for a process, which looks at the catalogue at most once in two seconds, however many ask. ``most``: of what
    is gone, and of changes that can be gone on from, so many are known."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._looked_us = -_FRESH_US
        self._rev = 0
        self._rows: dict[str, tuple[int, FleetRow]] = {}
        self._gone: dict[str, int] = {}
        self._forgotten = 0
        # Random names of changes.
        self._marks: dict[int, str] = {}
        self._revs: dict[str, int] = {}

    def changes(
        self, conn: sqlite3.Connection, now_us: int, token: str | None, among: Collection[str] | None
    ) -> FleetChanges:
        """What changed since the ``token``, of the cameras ``among`` those that who asks may know of (None: all). A
        token of another process, or of other rights, or an old one, gets everything."""
        with self._lock:
            if not 0 <= now_us - self._looked_us < _FRESH_US:
                self._look(conn, now_us)
            scope = "all" if among is None else f"{hash(frozenset(among)) & 0xFFFFFFFF:x}"
            mark, _, of = (token or "").partition(".")
            since = self._revs.get(mark) if of == scope else None
            if since is not None and since < self._forgotten:
                since = None
            mine = [one for one in self._rows.values() if among is None or one[1].id in among]
            gone = [one for one in self._gone.items() if among is None or one[0] in among]
            # As far as they changed, not the fleet: others' changes can't be counted by it.
            rev = max([0, *(rev for rev, _ in mine), *(rev for _, rev in gone)])
            return FleetChanges(
                self._looked_us,
                f"{self._mark(rev)}.{scope}",
                since is None,
                [row for rev, row in mine if since is None or rev > since],
                [camera for camera, rev in gone if since is not None and rev > since],
            )

    def _mark(self, rev: int) -> str:
        """A change's name."""
        found = self._marks.get(rev)
        if found is None:
            found = self._marks[rev] = secrets.token_hex(8)
            self._revs[found] = rev
            while len(self._marks) > self._most:
                del self._revs[self._marks.pop(next(iter(self._marks)))]
        return found

    def _look(self, conn: sqlite3.Connection, now_us: int) -> None:
        now = present(conn, now_us)
        found = {row["id"]: _row(row, now[row["id"]]) for row in conn.execute(_CAMERAS) if row["id"] in now}
        next_rev = self._rev + 1
        changed = False
        for camera, row in found.items():
            known = self._rows.get(camera)
            if known is None or known[1] != row:
                self._rows[camera] = (next_rev, row)
                self._gone.pop(camera, None)
                changed = True
        for camera in [camera for camera in self._rows if camera not in found]:
            del self._rows[camera]
            self._gone[camera] = next_rev
            changed = True
        while len(self._gone) > self._most:
            self._forgotten = max(self._forgotten, self._gone.pop(next(iter(self._gone))))
        if changed:
            self._rev = next_rev
            self._rows = dict(sorted(self._rows.items()))
        self._looked_us = now_us


def labels_of(row: FleetRow) -> dict[str, str]:
    """Its labels."""
    found: dict[str, str] = json.loads(row.labels)
    return found
