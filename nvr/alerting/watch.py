"""The watch: looks at everything every few seconds, keeps the book of alerts, and sends what is to be told.

Two threads of the accounting process: one looks and writes, one sends. Invariant: what is to be told is a row before anything is sent, so a kill neither
loses a message nor the state of an alert; it may send one twice.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.alerting.book import Alert, Change, step
from nvr.alerting.channels import Channel, DeliveryError, channels
from nvr.alerting.clock import synchronised
from nvr.alerting.conditions import (
    Condition,
    DownTimes,
    Kind,
    certificates_changed,
    deletions_waiting,
    disks_low,
    logins_refused,
    promises_at_risk,
)
from nvr.alerting.folding import fold
from nvr.alerting.messages import compose
from nvr.alerting.quality import LastHour, unwell
from nvr.texts import Formats
from storage import alerts as rows
from storage import brake, cameras, confirmations, devices, footage, forecast, logins, network_hours, status
from storage.alerts import Row
from storage.database import Database
from storage.figures import figure_table
from storage.files import FILES
from storage.fleet_coverage import batches
from storage.policies import Rules
from storage.retention import disks
from storage.roots import Root, is_mounted

__all__ = ["Watch", "facts_of"]

log = logging.getLogger(__name__)

_LOOK_S: Final = 5.0
_FORECAST_S: Final = 900.0
_HOUR_US: Final = 3_600_000_000
# Recorders' counts are read once a minute.
_HOUR_KNOWN_US: Final = 120_000_000
# Messages are tried again after 10 s, 20 s, …, a quarter of an hour, for a day.
_FIRST_AGAIN_US: Final = 10_000_000
_LAST_AGAIN_US: Final = 900_000_000
_GIVE_UP_US: Final = 24 * _HOUR_US
# Cameras behind one cable are missed one after the other, within seconds: one by itself waits a little longer, so that the group comes first.
_GROUP_FIRST_US: Final = 15_000_000
# A clock that has just been set, a disk that is being swapped: not worth a message at once.
_AFTER_US: Final = {Kind.CLOCK_UNSYNCHRONISED: 600_000_000, Kind.DISK_LOW: 60_000_000, Kind.ROOT_ABSENT: 30_000_000}


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What cameras' rows say, read anew only when one has changed."""

    rev: int
    added_us: Mapping[str, int]
    labels: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]


class Watch:
    """``settings`` are those of accounting: ``catalogue``, ``roots``, the floor, ``retention``, and ``alerts``."""

    def __init__(self, settings: Mapping[str, Any], ending: threading.Event) -> None:
        self._settings = settings
        self._ending = ending
        self._database = Database(Path(settings["catalogue"]))
        self._down = DownTimes()
        self._since: dict[tuple[Kind, str], int] = {}
        self._fleet = _Fleet(-1, {}, {}, {})
        self._promises: list[Condition] = []
        self._hour = -1
        self._unwell: list[Condition] = []
        self._forecast_at = 0.0
        self._to_send = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, name="watch", daemon=True),
            threading.Thread(target=self._send, name="send", daemon=True),
        ]

    def configure(self, settings: Mapping[str, Any]) -> None:
        """New settings, from the next look on."""
        self._settings = settings

    def start(self) -> None:
        """Starts both threads."""
        for thread in self._threads:
            thread.start()

    def join(self, timeout_s: float) -> None:
        """Waits for them, after ``ending`` was set."""
        self._to_send.set()
        for thread in self._threads:
            thread.join(timeout_s)
        self._database.close()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_S):
            try:
                self.look(time.time_ns() // 1000)
            except (sqlite3.Error, OSError) as error:
                log.error("the watch could not look, will try again: %s", error)

    def look(self, now_us: int) -> list[Change]:
        """One look; returns what has changed."""
        settings = self._settings["alerts"]
        with self._database.read() as conn:
            known = [_alert(row) for row in rows.recent(conn, now_us - _HOUR_US)]
            conditions = self._conditions(conn, {a.subject for a in known if a.resolved_us is None}, now_us)
        after_us = {
            **_AFTER_US,
            Kind.CAMERA_DOWN: settings["camera_after_us"] + _GROUP_FIRST_US,
            Kind.CAMERAS_DOWN: settings["camera_after_us"],
        }
        changes = step(known, conditions, after_us=after_us, clear_us=settings["clear_after_us"], now_us=now_us)
        if not changes:
            return []
        names = [channel.name for channel in channels(settings)]
        with self._database.write() as conn:
            for change in changes:
                rows.put(conn, _row(change.alert))
                if change.event is not None:
                    rows.queue(conn, change.alert.id, change.event, names, now_us=now_us)
        formats = Formats("en", "UTC")
        for change in changes:
            if change.event is not None:
                told = compose(_row(change.alert), change.event, self._fleet.names, formats)
                log.warning("alert %s %s: %s", change.alert.id, change.event, told.text.replace("\n", "; "))
        self._to_send.set()
        return changes

    def _conditions(self, conn: sqlite3.Connection, folded: set[str], now_us: int) -> list[Condition]:
        settings = self._settings["alerts"]
        self._read_fleet(conn)
        down = self._down.update(self._fleet.added_us, status.every(conn), now_us=now_us)
        # Only what has lasted counts, or a group would be open before any of its cameras is.
        lasting = {camera: state for camera, state in down.items() if now_us - state[0] >= settings["camera_after_us"]}
        found = fold(lasting, self._fleet.labels, by=settings["fold_by"], from_=settings["fold_from"], folded=folded)
        found += self._machine(conn, now_us)
        found += logins_refused(logins.troubled(conn))
        found += self._last_hour(conn, now_us)
        found += certificates_changed(devices.changed_certificates(conn))
        return found

    def _last_hour(self, conn: sqlite3.Connection, now_us: int) -> list[Condition]:
        """What the last whole hour says of cameras that are recorded; read once an hour, some minutes into the next one, when all of it is known."""
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
            every = cameras.every(conn)
            self._fleet = _Fleet(
                rev,
                {camera.id: camera.added_us for camera in every},
                {camera.id: camera.labels for camera in every},
                {camera.id: camera.name for camera in every},
            )

    def _machine(self, conn: sqlite3.Connection, now_us: int) -> list[Condition]:
        """What is wrong with this machine. Since when is kept here: disks and clocks don't say."""
        settings = self._settings
        roots = [Root(identity, Path(path)) for identity, path in settings["roots"]]
        there = disks(roots, settings["floor_bytes"], settings["floor_fraction"], FILES)
        # A floor that nobody has confirmed does not count yet.
        floors = confirmations.load(conn).floors
        there = [brake.allowed(disk, floors.get(disk.root)) for disk in there]
        paths = {root.id: str(root.path) for root in roots}
        found = [Condition(Kind.ROOT_ABSENT, str(root.path), now_us) for root in roots if not is_mounted(root)]
        found += disks_low(there, paths, now_us=now_us)
        found += deletions_waiting(confirmations.waiting(conn), now_us=now_us)
        if synchronised() is False:
            found.append(Condition(Kind.CLOCK_UNSYNCHRONISED, "", now_us))
        if time.monotonic() >= self._forecast_at:
            self._forecast_at = time.monotonic() + _FORECAST_S
            policy_of = footage.policies(conn, Rules.from_wire(settings["retention"]))
            fleet, recorded = forecast.measure(conn, policy_of, now_us=now_us)
            expected = forecast.forecast(fleet, forecast.capacity(there, recorded), now_us=now_us)
            self._promises = promises_at_risk(expected, now_us=now_us)
        found += self._promises
        self._since = {condition.key: self._since.get(condition.key, now_us) for condition in found}
        return [Condition(c.kind, c.subject, self._since[c.key], c.cameras, c.detail) for c in found]

    def _send(self) -> None:
        while not self._ending.is_set():
            self._to_send.wait(_LOOK_S)
            self._to_send.clear()
            try:
                self.deliver(time.time_ns() // 1000)
            except sqlite3.Error as error:
                log.error("messages could not be sent, will try again: %s", error)

    def deliver(self, now_us: int) -> None:
        """Sends what is due."""
        settings = self._settings["alerts"]
        by_name: dict[str, Channel] = {channel.name: channel for channel in channels(settings)}
        formats = Formats(settings["language"], settings["zone"])
        with self._database.read() as conn:
            due = [(notice, rows.find(conn, notice.alert)) for notice in rows.notices(conn, due_us=now_us)]
            names = {camera.id: camera.name for camera in cameras.every(conn)} if due else {}
        for notice, row in due:
            if self._ending.is_set() or row is None:
                return
            channel = by_name.get(notice.channel)
            error = None
            try:
                if channel is None:
                    raise DeliveryError("this channel is not configured any more")
                if now_us - notice.at_us > _GIVE_UP_US:
                    raise DeliveryError(f"given up after a day: {notice.error}")
                channel.send(compose(row, notice.event, names, formats), facts_of(row, notice.event))
            except DeliveryError as failure:
                error = str(failure)
                log.error("alert %s could not be told by %s: %s", row.id, notice.channel, error)
            with self._database.write() as conn:
                if error is None:
                    rows.sent(conn, notice, now_us=now_us)
                else:
                    hopeless = channel is None or now_us - notice.at_us > _GIVE_UP_US
                    again_us = min(_FIRST_AGAIN_US << min(notice.attempts, 20), _LAST_AGAIN_US)
                    rows.failed(conn, notice, error, due_us=(1 << 62) if hopeless else now_us + again_us)


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


def facts_of(row: Row, event: str) -> dict[str, Any]:
    """An alert for programs, as the webhook posts it."""
    return {
        "event": event,
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "since_us": row.since_us,
        "opened_us": row.opened_us,
        "resolved_us": row.resolved_us,
        "cameras": list(row.cameras),
        "detail": dict(row.detail),
    }


def _alert(row: Row) -> Alert:
    return Alert(
        row.id,
        Kind(row.kind),
        row.subject,
        row.since_us,
        row.opened_us,
        row.seen_us,
        row.resolved_us,
        row.flaps,
        row.cameras,
        row.detail,
    )


def _row(alert: Alert) -> Row:
    return Row(
        alert.id,
        alert.kind,
        alert.subject,
        alert.since_us,
        alert.opened_us,
        alert.seen_us,
        alert.resolved_us,
        alert.flaps,
        alert.cameras,
        alert.detail,
    )
