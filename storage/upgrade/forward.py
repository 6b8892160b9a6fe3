"""Bringing a catalogue up to this version's schema, after a checked copy. The server's lock must be held.

Invariant: before the first step changes anything, a whole copy of the catalogue is there, under the name that
``back`` looks for.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from storage.catalogue.backup import backup
from storage.catalogue.database import Database
from storage.durable_files import sync
from storage.errors import CatalogueError
from storage.upgrade.copies import folder_of, interrupted, mark, name_of, own_as, prune, unmark
from storage.upgrade.standing import OWN_STEPS, SchemaStanding, keep_version, refusal, standing, standing_of_file

__all__ = ["bring_up"]

_KEEP: Final = 3
# Before this step passwords of cameras were not sealed.
_SEALED: Final = "m028_sealed"


def bring_up(database: Database, version: str, *, say: Callable[[str], None]) -> Path | None:
    """Creates the catalogue if there is none, and brings its schema up to date; one that has a schema already is copied
    first. Returns the copy, if one was needed. ``say`` is told what is done.

    Raises:
        CatalogueError: it is of a newer server, or no copy can be made: nothing was changed; or it can't be used.
    """
    path = database.path
    copy = None
    if path.exists() and path.stat().st_size:
        with database.read() as conn:
            found = standing(conn)
        if found.unknown:
            raise CatalogueError(refusal(found, path, version, is_served=False) or "")
        if found.applied and found.missing:
            copy = _copied(database, found, say)
    database.migrate()
    with database.read() as conn:
        kept = standing(conn).version
    if kept != version:
        with database.write() as conn:
            keep_version(conn, version)
    if copy is not None:
        unmark(path)
        prune(path, _KEEP)
        say(f"catalogue {path} is of this version's schema now; nvr upgrade --back returns to {copy}")
    return copy


def _copied(database: Database, found: SchemaStanding, say: Callable[[str], None]) -> Path:
    path = database.path
    before = interrupted(path)
    # With no step done more than the copy has, a new copy is the better one: a server may have run since.
    if before is not None and set(_steps(before)) < set(found.applied):
        say(f"an upgrade of catalogue {path} was interrupted and is resumed; its copy is {before}")
        return before
    folder = folder_of(path)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        own_as(folder, path)
        sync(folder.parent)
        target = folder / name_of(time.time_ns() // 1000, found.schema)
        say(f"catalogue {path} is of schema {found.schema}: copying it to {target} before it is upgraded")
        # One second's: an attempt that was killed when its copy was whole, and its mark was not there yet.
        target.unlink(missing_ok=True)
        backup(database, target)
        own_as(target, path)
        mark(path, target)
    except (OSError, CatalogueError) as error:
        raise CatalogueError(
            f"catalogue {path} is not upgraded, since no copy of it can be made: {error}. Make room in {folder}, or "
            "start the version before; nothing was changed"
        ) from error
    if _SEALED not in found.applied:
        say(f"{target} holds passwords of cameras in plain text: remove it when you will not go back")
    return target


def _steps(copy: Path) -> tuple[str, ...]:
    try:
        return standing_of_file(copy).applied
    except sqlite3.Error:
        # Damaged: none to go by.
        return OWN_STEPS
