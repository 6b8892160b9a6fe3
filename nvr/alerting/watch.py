"""The watch: looks at everything every few seconds and keeps the book of alerts; ``sending`` delivers what people are
to know.

A thread of the housekeeping process. Invariant: whatever is decided is a row before anything is sent, and whatever a
decision depends on is a row, too: a kill at any time loses neither a message nor the state of an alert.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.alerting import deliveries, outages, rows
from nvr.alerting.alert_rows import alert_of, row_of
from nvr.alerting.clock import synchronised
from nvr.alerting.conditions import (
    AlertKind,
    Condition,
    backups,
    certificates_changed,
    deletions_waiting,
    disks_low,
    disks_worn,
    held_beyond,
    holds_large,
    logins_refused,
    of_required,
    page_certificate,
    promises_at_risk,
    syncs_late,
    tampered,
)
from nvr.alerting.lifecycle import AGAIN_US, Alert, Change, step
from nvr.alerting.messages import compose, facts_of
from nvr.alerting.quality import LastHour, unwell
from nvr.alerting.sending import Post
from nvr.backups.state import read_state
from nvr.cameras.present import present
from nvr.network import hours as network_hours
from nvr.texts import Formats
from storage.catalogue import cameras, devices, logins
from storage.catalogue.database import Database
from storage.coverage.figures import figure_table
from storage.coverage.fleet import batches
from storage.disk.files import FILES
from storage.disk.roots import Root, is_mounted
from storage.integrity import findings as integrity
from storage.retention import brake, confirmations, forecast, held_bytes
from storage.retention import candidates as footage
from storage.retention.free_space import disks
from storage.retention.policies import Rules
from storage.writing import at_risk

__all__ = ["Watch"]

log = logging.getLogger(__name__)

_LOOK_S: Final = 5.0
_FORECAST_S: Final = 900.0
_HOUR_US: Final = 3_600_000_000
# Recorders' counts are read once a minute.
_HOUR_KNOWN_US: Final = 120_000_000
# A clock that has just been set, a disk that is being swapped: not worth a message at once.
_AFTER_US: Final = {
    AlertKind.CLOCK_UNSYNCHRONISED: 600_000_000,
    AlertKind.DISK_LOW: 60_000_000,
    AlertKind.ROOT_ABSENT: 30_000_000,
}


def _now_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What cameras' rows say, read again only when one has changed."""

    rev: int
    labels: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]


class Watch:
    """``settings`` are those of accounting: ``catalogue``, ``roots``, the floor, ``retention``, ``started_us`` (when
    the server started) and ``alerts``. ``worn``: by the path of a root, what its disk says of itself."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        ending: threading.Event,
        *,
        clock: Callable[[], int] = _now_us,
        worn: Callable[[], Mapping[str, Sequence[str]]] = dict,
    ) -> None:
        self._settings = settings
        self._ending = ending
        self._database = Database(Path(settings["catalogue"]))
        self.post = Post(self._database, settings["alerts"], clock=clock)
        self._clock = clock
        self._worn = worn
        self._fleet = _Fleet(-1, {}, {})
        self._promises: list[Condition] = []
        self._hour = -1
        self._unwell: list[Condition] = []
        self._forecast_at = 0.0
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """New settings, from the next look on."""
        self._settings = settings
        try:
            self.post.configure(settings["alerts"])
        except sqlite3.Error as error:
            log.error("new recipients of alerts count from the next start on: %s", error)

    def start(self) -> None:
        """Starts watching and sending."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Waits for the end, after ``ending`` was set."""
        self._thread.join(timeout_s)
        self.post.join(timeout_s)
        self._database.close()

    def _watch(self) -> None:
        is_posting = False
        while not self._ending.is_set():
            try:
                if not is_posting:
                    self.post.start()
                    is_posting = True
                if self._ending.wait(_LOOK_S):
                    return
                self.poll(self._clock())
            except (sqlite3.Error, OSError) as error:
                log.error("the watch could not look, will try again: %s", error)
                self._ending.wait(1.0)

    def poll(self, now_us: int) -> list[Change]:
        """Evaluates all conditions once; returns what has changed."""
        settings = self._settings["alerts"]
        with self._database.read() as conn:
            known = [alert_of(row) for row in rows.recent(conn, now_us - AGAIN_US)]
            waited = rows.pending(conn)
            self._read_fleet(conn)
            fleet = present(conn, now_us)
            conditions = self._conditions(conn, known, now_us)
        rules = outages.OutageRules(
            by=settings["fold_by"],
            from_=settings["fold_from"],
            after_us=settings["camera_after_us"],
            clear_us=settings["clear_after_us"],
            started_us=self._settings.get("started_us", 0),
        )
        changes = outages.step(known, fleet, self._fleet.labels, rules, now_us=now_us)
        others, pending = step(
            [alert for alert in known if alert.kind not in outages.KINDS],
            of_required(conditions, {id_ for id_, camera in fleet.items() if camera.is_required}),
            waited,
            after_us=_AFTER_US,
            clear_us=settings["clear_after_us"],
            now_us=now_us,
        )
        changes += others
        if changes or pending != waited:
            self._write(changes, pending, now_us)
        return changes

    def _write(self, changes: list[Change], pending: Mapping[tuple[str, str], int], now_us: int) -> None:
        with self._database.write() as conn:
            rows.set_pending(conn, pending)
            for change in changes:
                row = row_of(change.alert, now_us)
                rows.put(conn, row)
                if change.event is not None:
                    facts = facts_of(row, change.event, at_us=now_us)
                    deliveries.queue(conn, row.id, change.event, facts, at_us=now_us)
        formats = Formats("en", "UTC")
        for change in changes:
            if change.event is not None:
                facts = facts_of(row_of(change.alert, now_us), change.event, at_us=now_us)
                told = compose(facts, self._fleet.names, formats)
                log.warning(
                    "alert %s %s: %s",
                    change.alert.id,
                    change.event,
                    told.text.replace("\n\n", "\n").replace("\n", "; "),
                )
        self.post.wake()

    def _conditions(self, conn: sqlite3.Connection, known: list[Alert], now_us: int) -> list[Condition]:
        refused = [a.subject for a in known if a.kind is AlertKind.LOGIN_REFUSED and a.resolved_us is None]
        found = self._machine(conn, now_us)
        found += logins_refused(logins.troubled(conn), refused)
        found += self._last_hour(conn, now_us)
        found += certificates_changed(devices.changed_certificates(conn))
        return found

    def _last_hour(self, conn: sqlite3.Connection, now_us: int) -> list[Condition]:
        """What the last whole hour says of cameras that are recorded; read once an hour, some minutes into the next
        one, when all of it is known."""
        hour = (now_us - _HOUR_KNOWN_US) // _HOUR_US - 1
        if hour != self._hour:
            self._hour = hour
            hours = read_last_hour(conn, hour, now_us=now_us)
            least_percent = self._settings["alerts"]["recorded_least"]
            self._unwell = unwell(hours, least_percent=least_percent, since_us=hour * _HOUR_US)
        return self._unwell

    def _read_fleet(self, conn: sqlite3.Connection) -> None:
        rev = conn.execute("SELECT coalesce(max(rev), 0) FROM camera").fetchone()[0]
        if rev != self._fleet.rev:
            every = cameras.list_all(conn)
            self._fleet = _Fleet(
                rev,
                {camera.id: camera.labels for camera in every},
                {camera.id: camera.name for camera in every},
            )

    def _machine(self, conn: sqlite3.Connection, now_us: int) -> list[Condition]:
        """What is wrong with this machine."""
        settings = self._settings
        roots = [Root(identity, Path(path)) for identity, path in settings["roots"]]
        there = disks(roots, settings["floor_bytes"], settings["floor_fraction"], FILES)
        # A floor that nobody has confirmed does not count yet.
        floors = confirmations.load(conn).floors
        there = [brake.allowed(disk, floors.get(disk.root)) for disk in there]
        paths = {root.id: str(root.path) for root in roots}
        found = [Condition(AlertKind.ROOT_ABSENT, str(root.path)) for root in roots if not is_mounted(root)]
        found += disks_low(there, paths)
        found += disks_worn(self._worn())
        found += syncs_late(at_risk.by_root(conn, now_us=now_us), paths)
        found += deletions_waiting(confirmations.waiting(conn))
        found += tampered(integrity.wrong(conn))
        backup, started_us = settings.get("backup") or {}, settings.get("started_us", 0)
        every_us, copied = backup["every_us"] if backup.get("folder") else None, backup.get("s3") is not None
        found += backups(read_state(conn), every_us, started_us=started_us, now_us=now_us, copied=copied)
        if synchronised() is False:
            found.append(Condition(AlertKind.CLOCK_UNSYNCHRONISED, ""))
        if time.monotonic() >= self._forecast_at:
            self._forecast_at = time.monotonic() + _FORECAST_S
            policy_of = footage.policies(conn, Rules.from_wire(settings["retention"]))
            fleet, recorded = forecast.measure(conn, policy_of, now_us=now_us)
            expected = forecast.forecast(fleet, forecast.capacity(there, recorded), now_us=now_us)
            self._promises = promises_at_risk(expected) + held_beyond(footage.beyond(conn, policy_of))
            self._promises += page_certificate(settings.get("certificate"), settings.get("key"), now_us=now_us)
            self._promises += holds_large(held_bytes.kept_bytes(conn, now_us=now_us), there, settings["holds_share"])
        return found + self._promises


def read_last_hour(conn: sqlite3.Connection, hour: int, *, now_us: int) -> list[LastHour]:
    """What is known of every camera's hour (since the epoch) that was set up for all of it."""
    start_us, end_us = hour * _HOUR_US, (hour + 1) * _HOUR_US
    known = conn.execute(
        "SELECT key, id FROM camera WHERE removed_us IS NULL AND added_us <= ? ORDER BY id", (start_us,)
    ).fetchall()
    counted = network_hours.quality(conn, hour)
    found = []
    for batch in batches(conn, [(row["key"], row["id"]) for row in known], start_us, end_us, now_us=now_us):
        table = figure_table(batch, [start_us, end_us])
        for number, camera in enumerate(batch.cameras):
            figures = table.figures(number)
            recorded = figures.recorded_us / figures.required_us if figures.required_us else None
            found.append(LastHour(camera, recorded, *counted.get(camera, ())))
    return found
