"""All looks, one after the other; one that fails hides no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from nvr.config import Config
from nvr.doctor.backups import examine_backups
from nvr.doctor.disks import examine_disks
from nvr.doctor.finding import DoctorFinding
from nvr.doctor.machine import examine_machine
from nvr.doctor.service import examine_service, holder_of, not_looked
from storage.catalogue.database import Database
from storage.errors import StorageError

__all__ = ["examine"]


def examine(config: Config) -> Iterator[DoctorFinding]:
    """Looks at everything, in the order in which a person would."""
    looks: list[tuple[str, Callable[[], Iterator[DoctorFinding]]]] = [
        ("service", lambda: examine_service(config)),
        ("disks", lambda: examine_disks(config)),
        ("backups", lambda: examine_backups(config)),
        ("machine", lambda: examine_machine(_cameras(config), _server(config))),
    ]
    for name, look in looks:
        try:
            yield from look()
        except (OSError, sqlite3.Error, StorageError, ValueError) as error:
            yield not_looked(name, error)


def _server(config: Config) -> int | None:
    return holder_of(config.storage.catalogue.with_suffix(".lock")) or None


def _cameras(config: Config) -> int:
    """Those of the catalogue, where it can be read, or of the file."""
    if not config.storage.catalogue.is_file():
        return len(config.cameras)
    database = Database(config.storage.catalogue)
    try:
        with database.read() as conn:
            return int(conn.execute("SELECT count(*) FROM camera WHERE removed_us IS NULL").fetchone()[0])
    except (sqlite3.Error, StorageError):
        return len(config.cameras)
    finally:
        database.close()
