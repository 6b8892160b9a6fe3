"""Making a backup while the server records."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nvr.backups.sealed_files import BackupSources, gather, seal
from nvr.backups.sets import (
    CATALOGUE,
    MANIFEST,
    SEALED_FILE,
    BackupError,
    BackupManifest,
    BackupSet,
    digest,
    stamp,
    write_manifest,
)
from storage.catalogue import audit
from storage.catalogue.backup import backup
from storage.catalogue.database import Database
from storage.durable_files import new_file, sync
from storage.errors import CatalogueError
from storage.upgrade.copies import own_as
from storage.upgrade.standing import standing

__all__ = ["COUNTED", "count_rows", "make_backup"]

# What people would miss: a catalogue that lacks some of it is not the one that was backed up.
COUNTED: Final = ("camera", "segment", "span", "hold", "directive", "legal_case", "user", "token", "audit")


def make_backup(
    database: Database,
    sources: BackupSources,
    folder: Path,
    passphrase: str | None,
    *,
    version: str,
    now_us: int,
    progress: Callable[[int, int], None] | None = None,
) -> BackupSet:
    """Makes one in the folder, which is made too. Without a passphrase it has neither keys nor configuration.

    Raises:
        BackupError: it can't be made; nothing is left of it.
    """
    path = folder / stamp(now_us)
    part = path.with_name(path.name + ".unfinished")
    if path.exists():
        raise BackupError(f"{path} exists: one a second is enough")
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            own_as(folder, database.path)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        try:
            backup(database, part / CATALOGUE, progress=progress)
            names = [CATALOGUE]
            if passphrase is not None:
                with new_file(part / SEALED_FILE, 0o600) as file:
                    file.write(seal(gather(sources), passphrase))
                names.append(SEALED_FILE)
            manifest = _manifest(part, names, version, now_us)
            write_manifest(part, manifest)
            sync(part / MANIFEST)
            sync(part)
            for made in (part, *part.iterdir()):
                own_as(made, database.path)
            part.rename(path)
            sync(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except (OSError, sqlite3.Error, CatalogueError) as error:
        raise BackupError(f"no backup in {folder}: {error}") from error
    # To the second, as its name says.
    return BackupSet(path, now_us // 1_000_000 * 1_000_000)


def count_rows(conn: sqlite3.Connection) -> dict[str, int]:
    """Rows of the tables in ``COUNTED``."""
    return {table: int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in COUNTED}


def _manifest(part: Path, names: list[str], version: str, now_us: int) -> BackupManifest:
    conn = sqlite3.connect(f"{(part / CATALOGUE).absolute().as_uri()}?mode=ro", uri=True)
    try:
        found = standing(conn)
        return BackupManifest(
            found.version or version,
            found.schema,
            now_us,
            count_rows(conn),
            str(audit.head(conn)),
            {name: digest(part / name) for name in names},
        )
    finally:
        conn.close()
