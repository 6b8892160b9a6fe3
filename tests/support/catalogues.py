"""Catalogues for tests: new ones, a copy of one that was made once a process, since making one anew waits for the disk
some forty times; and those of older versions."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from pathlib import Path

import sqlite_utils

from storage.catalogue import migrations
from storage.catalogue.database import Database

__all__ = ["catalogue_of", "new_catalogue"]


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory(prefix="nvr-template-") as folder:
        path = Path(folder) / "catalogue.sqlite"
        database = Database(path, durable=False)
        database.migrate()
        # The last connection that closes empties the write-ahead log into the file.
        database.close()
        assert not path.with_name(path.name + "-wal").exists()
        return path.read_bytes()


def new_catalogue(path: Path, *, durable: bool = True) -> Database:
    """An empty catalogue of this version's schema, as ``Database.migrate`` makes it."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_template())
    return Database(path, durable=durable)


def catalogue_of(path: Path, last: str, sql: str) -> Database:
    """A catalogue as a server made it whose last step was ``last``, with what ``sql`` inserts."""
    path.touch(mode=0o600)
    with sqlite3.connect(path, isolation_level=None) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
        for step in migrations.STEPS:
            name = step.__name__.rpartition(".")[2]
            if name <= last:
                migrations.run(sqlite_utils.Database(conn), step.SQL)
                conn.execute(
                    "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('catalogue', ?, '')",
                    (name,),
                )
        conn.executescript(sql)
    conn.close()
    return Database(path)
