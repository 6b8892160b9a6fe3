"""New catalogues for tests: a copy of one that was made once a process, since making one anew waits for the disk some
forty times."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from storage.catalogue.database import Database

__all__ = ["new_catalogue"]


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
