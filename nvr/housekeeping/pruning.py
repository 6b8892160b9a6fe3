"""Retention: every few seconds, what the rules name goes; and when nothing more may go, who pauses."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from nvr.housekeeping.brake import Brake, Pass, moment
from nvr.housekeeping.disk_full import paused, scarcity
from storage.catalogue import cameras, clock_samples
from storage.catalogue.database import Database
from storage.disk.files import FILES, Files
from storage.disk.reserve import Reserve
from storage.disk.roots import Root
from storage.retention import candidates as footage
from storage.retention import confirmations
from storage.retention import deleting as garbage
from storage.retention.applying import apply
from storage.retention.brake import Amount
from storage.retention.free_space import disks
from storage.retention.plan import SPACE, Disk, RetentionPlan
from storage.retention.policies import Rules
from storage.tiers.local import LocalTier

__all__ = ["Pruner"]

log = logging.getLogger(__name__)

_INTERVAL_S: Final = 10.0
# Between plans the disks alone are looked at: one that falls below its floor could be full before the next plan.
_LOOK_S: Final = 1.0
# Deletions of one pass. One that has this many is followed by another, with the disks measured again.
_MOST: Final = 5_000
_REMIND_S: Final = 600.0
# Samples of the cameras' clocks that no footage is left for.
_CLOCKS_S: Final = 3600.0


class Pruner:
    """Prunes by the settings given: ``catalogue``, ``roots`` ([identity, path]), ``floor_bytes``, ``floor_fraction``,
    and ``retention``, the rules; a camera's own are in the catalogue. ``say`` tells the supervisor which cameras must
    pause, whenever that changes."""

    def __init__(self, settings: dict[str, Any], say: Callable[[dict[str, Any]], None], files: Files = FILES) -> None:
        self._settings = settings
        self._say = say
        self._files = files
        self._tier = LocalTier(files)
        self._database = Database(Path(settings["catalogue"]))
        self._roots = [Root(identity, Path(path)) for identity, path in settings["roots"]]
        self._brake = Brake(self._database)
        self._reserve = Reserve(self._database.path, files)
        self._reserve_error = ""
        self._stopped: list[str] | None = None
        self._clocks_pruned_at = -_CLOCKS_S
        self._told: tuple[object, float] = (None, 0.0)
        self._floors: dict[str, int] = {}

    def configure(self, settings: dict[str, Any]) -> None:
        """New rules and roots, from the next pass on."""
        self._settings = settings
        self._roots = [Root(identity, Path(path)) for identity, path in settings["roots"]]

    def run(self, ending: threading.Event) -> None:
        """Prunes until told to end."""
        planned_at = -_INTERVAL_S
        while not ending.is_set():
            self._poll_reserve()
            is_tight = any(disk.free_bytes < self._floors.get(disk.root, disk.floor_bytes) for disk in self._disks())
            if is_tight or self._stopped or time.monotonic() - planned_at >= _INTERVAL_S:
                planned_at = time.monotonic()
                try:
                    while self.prune() >= _MOST and not ending.is_set():
                        log.debug("a full pass was pruned; looking again at once")
                except (sqlite3.Error, OSError) as error:
                    log.error("retention could not run, will try again: %s", error)
            ending.wait(_LOOK_S)
        self._database.close()

    def _poll_reserve(self) -> None:
        try:
            given_up = self._reserve.poll()
        except OSError as error:
            # Once, not every second.
            if str(error) != self._reserve_error:
                self._reserve_error = str(error)
                log.warning("the catalogue has no reserve, with which a full disk could be cleared: %s", error)
            return
        self._reserve_error = ""
        if given_up:
            log.critical(
                "the disk of the catalogue has no room left: %s was given up, so that footage can be deleted;"
                " make room in %s",
                self._reserve.path.name,
                self._reserve.path.parent,
            )

    def prune(self) -> int:
        """One pass; returns how many segments went."""
        now = moment()
        now_us = now.wall_us
        # Before anything is planned: what people confirmed, or what an earlier sweep could not remove.
        garbage.sweep(self._database, self._tier)
        found = self._disks()
        with self._database.read() as conn:
            policy_of = footage.policies(conn, Rules.from_wire(self._settings["retention"]))
        # The floors that count: one that nobody has confirmed does not.
        decided = self._brake.decide(policy_of, found, now, most=_MOST)
        planned, self._floors = decided.planned, {disk.root: disk.floor_bytes for disk in decided.disks}
        if planned.deletions:
            # What counts towards the brake is noted before it goes: a kill in between errs on the safe side.
            self._note(decided, now_us)
            gone = apply(self._database, planned.deletions, now_us=now_us, tier=self._tier)
            log.info("pruned %d segments, %d bytes", gone.segments, gone.bytes)
            found = self._disks()
        found = [replace(disk, floor_bytes=self._floors.get(disk.root, disk.floor_bytes)) for disk in found]
        if time.monotonic() - self._clocks_pruned_at >= _CLOCKS_S:
            self._clocks_pruned_at = time.monotonic()
            with self._database.write() as conn:
                clock_samples.prune(conn, now_us=now_us)
        self._log_plan(planned)
        self._pause(planned, found)
        return len(planned.deletions)

    def _note(self, decided: Pass, now_us: int) -> None:
        for_space: dict[str, Amount] = {}
        for deletion in decided.planned.deletions:
            if deletion.rule == SPACE:
                c = deletion.candidate
                amount = Amount(c.end_us - c.key.start_us, c.bytes)
                for_space[c.root] = for_space.get(c.root, Amount()) + amount
        if not for_space and not decided.unconfirmed:
            return
        with self._database.write() as conn:
            confirmations.gone_unconfirmed(conn, decided.unconfirmed, now_us=now_us)
            for root, amount in for_space.items():
                confirmations.gone_for_space(conn, root, amount, now_us=now_us)

    def _disks(self) -> list[Disk]:
        settings = self._settings
        return disks(self._roots, settings["floor_bytes"], settings["floor_fraction"], self._files)

    def _log_plan(self, planned: RetentionPlan) -> None:
        """What needs a person is said when it begins, and again every ten minutes."""
        news = (tuple(s.root for s in planned.shortfalls), planned.overdue, tuple(sorted(planned.beyond)))
        if not planned.complete or (news == self._told[0] and time.monotonic() - self._told[1] < _REMIND_S):
            return
        self._told = (news, time.monotonic())
        path = {root.id: root.path for root in self._roots}
        for shortfall in planned.shortfalls:
            log.error(
                "footage root %s has %d bytes less than its free space floor,"
                " and all that is left there is protected by min_age or holds:"
                " make room, release holds or lower min_age",
                path[shortfall.root],
                shortfall.bytes,
            )
        if planned.overdue:
            log.warning("%d segments are past max_age and stay, since they are held", planned.overdue)
        if planned.beyond:
            log.warning(
                "%d cameras have more than their max_bytes because of holds (%d bytes): %s",
                len(planned.beyond),
                sum(planned.beyond.values()),
                ", ".join(sorted(planned.beyond)[:10]),
            )

    def _pause(self, planned: RetentionPlan, found: Sequence[Disk]) -> None:
        lack = scarcity(found)
        if lack > 0 and planned.deletions:
            # There was something to delete, so there may be more.
            return
        with self._database.read() as conn:
            priorities = {row.id: int(row.settings.get("priority") or 0) for row in cameras.list_all(conn)}
        before = self._stopped or []
        stopped = paused(priorities, before, lack)
        if stopped == self._stopped:
            return
        if len(stopped) > len(before):
            log.critical(
                "DISK FULL: nothing more may be deleted, so %d of %d cameras stop recording, least important first: %s",
                len(stopped),
                len(priorities),
                ", ".join(stopped[:20]) + (" ..." if len(stopped) > 20 else ""),
            )
        elif len(stopped) < len(before):
            log.warning(
                "there is room again: %d cameras resume, %d still wait", len(before) - len(stopped), len(stopped)
            )
        self._stopped = stopped
        self._say({"event": "disk_full", "stopped": stopped})
