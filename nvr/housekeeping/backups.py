"""Backups on a schedule, copies of them elsewhere, and drills.

When is decided by ``due``, which is pure. Invariant: one that fails is noted and tried again, and what is there is
pruned only after a new one was made.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from nvr import __version__
from nvr.backups.drill import drill
from nvr.backups.making import make_backup
from nvr.backups.remote import RemoteBackups, RemotePlace
from nvr.backups.sealed_files import BackupSources
from nvr.backups.sets import BackupError, list_sets, prune_sets
from nvr.backups.state import BackupState, note_backup, note_copy, note_drill, read_state
from storage.catalogue.database import Database
from storage.disk.roots import Root
from storage.errors import CatalogueError

__all__ = ["BackupKeeper", "copy_due", "due", "place_of", "sources_of"]

log = logging.getLogger(__name__)

_LOOK_S: Final = 30.0
# After a start recording, what was left by a crash, and people come first.
_FIRST_US: Final = 600_000_000
_AGAIN_US: Final = 900_000_000


def due(state: BackupState, *, every_us: int, drill_every_us: int, started_us: int, now_us: int) -> tuple[bool, bool]:
    """Whether a backup is due, and whether a drill is. A clock that was set back makes both due at most once."""
    if now_us - started_us < _FIRST_US:
        return False, False
    made_us, drilled_us = state.made_us, state.drilled_us
    waits = state.failed_us is not None and 0 <= now_us - state.failed_us < _AGAIN_US
    backup = not waits and (made_us is None or not 0 <= now_us - made_us < every_us)
    # A copy that is due is no reason to make another backup.
    has_one = made_us is not None
    return backup, has_one and (drilled_us is None or not 0 <= now_us - drilled_us < drill_every_us)


def copy_due(state: BackupState, now_us: int) -> bool:
    """Whether the last backup is to be copied to the store elsewhere."""
    waits = state.copy_failed_us is not None and 0 <= now_us - state.copy_failed_us < _AGAIN_US
    return state.made_us is not None and not waits and state.copied_us != state.made_us


def place_of(backup: Mapping[str, Any]) -> RemotePlace | None:
    """The store elsewhere, by the settings that the supervisor gives; None: there is none."""
    if backup["s3"] is None:
        return None
    keys = ("s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key")
    return RemotePlace(backup["s3"], *(backup[key] for key in keys))


def sources_of(settings: Mapping[str, Any]) -> BackupSources:
    """What is backed up, by the settings that the supervisor gives."""

    def path(key: str) -> Path | None:
        return None if settings.get(key) is None else Path(settings[key])

    return BackupSources(
        Path(settings["catalogue"]),
        Path(settings["backup"]["config"]),
        Path(settings["backup"]["keys"]),
        path("certificate"),
        path("key"),
    )


class BackupKeeper(threading.Thread):
    """Makes and tries backups until ``ending``. ``settings``: those of accounting."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        ending: threading.Event,
        *,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        super().__init__(name="backups", daemon=True)
        self.settings = settings
        self._ending = ending
        self._clock = clock
        self._database = Database(Path(settings["catalogue"]))

    def run(self) -> None:
        """The thread's work."""
        while not self._ending.wait(_LOOK_S):
            try:
                self.look()
            except (sqlite3.Error, CatalogueError, OSError, BackupError) as error:
                log.error("whether a backup is due could not be found out, will try again: %s", error)
        self._database.close()

    def look(self) -> None:
        """Makes and tries what is due.

        Raises:
            sqlite3.Error: the catalogue can't be read, or how it went can't be noted.
        """
        backup = self.settings["backup"]
        if backup["folder"] is None:
            return
        with self._database.read() as conn:
            state = read_state(conn)
        is_due, drill_is_due = due(
            state,
            every_us=backup["every_us"],
            drill_every_us=backup["drill_every_us"],
            started_us=self.settings.get("started_us", 0),
            now_us=self._clock(),
        )
        if is_due:
            self._make(Path(backup["folder"]), backup)
        if place_of(backup) is not None:
            with self._database.read() as conn:
                copy_is_due = copy_due(read_state(conn), self._clock())
            if copy_is_due:
                self._copy(Path(backup["folder"]), backup)
        if drill_is_due:
            self._drill(Path(backup["folder"]), backup)

    def _make(self, folder: Path, backup: Mapping[str, Any]) -> None:
        now_us = self._clock()
        try:
            made = make_backup(
                self._database,
                sources_of(self.settings),
                folder,
                backup["passphrase"],
                version=__version__,
                now_us=now_us,
            )
            prune_sets(folder, backup["keep"])
        except BackupError as error:
            log.error("no backup was made, will try again: %s; nvr backup now tries at once", error)
            with self._database.write() as conn:
                note_backup(conn, now_us, failed=str(error))
            return
        size = sum(file.stat().st_size for file in made.path.iterdir())
        log.info("backup %s: %d bytes", made.path, size)
        with self._database.write() as conn:
            note_backup(conn, made.at_us, path=str(made.path), made_bytes=size)

    def _copy(self, folder: Path, backup: Mapping[str, Any]) -> None:
        place = place_of(backup)
        assert place is not None
        failed, at_us = None, self._clock()
        try:
            made = list_sets(folder)
            if not made:
                raise BackupError(f"there is no backup in {folder} to copy")
            remote = RemoteBackups(place)
            if made[-1].path.name not in remote.names():
                size = remote.put(made[-1])
                log.info("backup %s copied to %s: %d bytes", made[-1].path.name, place.url, size)
            remote.prune(backup["s3_keep"])
            at_us = made[-1].at_us
        except (OSError, BackupError) as error:
            failed = str(error)
            log.error("the backup was not copied elsewhere, will try again: %s", error)
        with self._database.write() as conn:
            note_copy(conn, at_us, failed)

    def _drill(self, folder: Path, backup: Mapping[str, Any]) -> None:
        roots = [Root(identity, Path(path)) for identity, path in self.settings["roots"]]
        faults: tuple[str, ...] = (f"there is no backup in {folder}",)
        place, beside = place_of(backup), Path(self.settings["catalogue"]).parent
        try:
            if made := list_sets(folder):
                with tempfile.TemporaryDirectory(prefix=".nvr-fetched-", dir=beside) as scratch:
                    # Of two, the one that is further away: it is that which a fire leaves.
                    tried = made[-1].path if place is None else RemoteBackups(place).fetch("latest", Path(scratch))
                    done = drill(tried, backup["passphrase"], version=__version__, roots=roots, beside=beside)
                faults = done.faults
        except (OSError, BackupError) as error:
            faults = (str(error),)
        for fault in faults:
            log.error("the newest backup failed its drill: %s; make another one: nvr backup now", fault)
        with self._database.write() as conn:
            note_drill(conn, self._clock(), "; ".join(faults) or None)
