"""Retention: every few seconds, what the rules name goes."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Final

from storage import cameras
from storage.database import Database
from storage.retention import Policy, apply, disks, load, plan
from storage.roots import Root

__all__ = ["Keeper"]

log = logging.getLogger(__name__)

_INTERVAL_S: Final = 10.0


class Keeper:
    """Prunes by the settings given: ``catalogue``, ``roots`` ([identity, path]), ``floor_bytes``, ``floor_fraction``, and the default
    ``max_age_us`` and ``max_bytes``; a camera's own rules are in the catalogue."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._database = Database(Path(settings["catalogue"]))
        self._roots = [Root(identity, Path(path)) for identity, path in settings["roots"]]

    def configure(self, settings: dict[str, Any]) -> None:
        """New rules, from the next pass on."""
        self._settings = settings

    def run(self, ending: threading.Event) -> None:
        """Prunes until told to end."""
        while not ending.is_set():
            try:
                while self.prune() and not ending.is_set():
                    log.debug("a full pass was pruned; looking again at once")
            except (sqlite3.Error, OSError) as error:
                log.error("retention could not run, will try again: %s", error)
            ending.wait(_INTERVAL_S)
        self._database.close()

    def prune(self) -> int:
        """One pass; returns how many segments went."""
        settings = self._settings
        default = Policy(settings["max_age_us"], settings["max_bytes"])
        now_us = time.time_ns() // 1000
        with self._database.read() as conn:
            policies = {
                row.id: Policy(
                    row.settings.get("max_age_us") or default.max_age_us,
                    row.settings.get("max_bytes") or default.max_bytes,
                )
                for row in cameras.every(conn, removed=True)
            }
            footage = load(conn, policies, default)
        floor = disks(self._roots, settings["floor_bytes"], settings["floor_fraction"])
        deletions = plan(footage, floor, now_us=now_us)
        if deletions:
            freed = apply(self._database, deletions, now_us=now_us)
            log.info("pruned %d segments, %d bytes", len(deletions), freed)
        return len(deletions)
