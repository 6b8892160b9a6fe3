"""Where is recorded to: lock, catalogue, footage roots. Recorders are started as soon as these are to be had."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from nvr import __version__
from nvr.config import Config
from nvr.supervisor.roots import Roots
from storage.catalogue.database import Database
from storage.catalogue.node import Lock
from storage.disk.reserve import Reserve
from storage.upgrade.forward import bring_up

__all__ = ["Places", "open_places"]

log = logging.getLogger(__name__)

# Recorders orphaned by a killed supervisor close their segments first: about ten seconds at most.
_LOCK_PATIENCE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where is recorded to, locked: whatever is started now inherits the locks. ``is_new``: the catalogue was made."""

    database: Database
    lock: Lock
    roots: Roots
    is_new: bool

    def give_up(self) -> None:
        """Lets go of them; a catalogue that was made is gone: an empty one would pass for one whose footage has all
        gone."""
        _undo(self.database, self.lock, is_new=self.is_new)


def _undo(database: Database, lock: Lock, *, is_new: bool) -> None:
    database.close()
    if is_new:
        path = database.path
        for left in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
            left.unlink(missing_ok=True)
    lock.release()


def open_places(config: Config) -> Places:
    """Opens and locks what is recorded to.

    Raises:
        StorageError: a lock, the catalogue or a root is not to be had; nothing was changed.
    """
    path = config.storage.catalogue
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock([path.with_suffix(".lock")], patience_s=_LOCK_PATIENCE_S)
    is_new, database = not path.exists(), Database(path)
    try:
        if Reserve(path).give_up():
            log.critical("the disk of %s has no room left: its reserve was given up; make room there", path)
        bring_up(database, __version__, say=lambda told: log.warning("%s", told))
        if (why := database.scrub()) is not None:
            log.warning("passwords of cameras are sealed, but free space of %s may hold what they were: %s", path, why)
        if database.keys.is_open_to_others():
            log.critical("others can read the key of camera passwords: run chmod 600 %s", database.keys.file)
        # Two servers with different catalogues must not share a root either: each is locked as it is opened.
        return Places(database, lock, Roots(database, lock, config.storage.roots), is_new)
    except BaseException:
        _undo(database, lock, is_new=is_new)
        raise
