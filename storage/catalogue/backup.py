"""A copy of the catalogue while the server writes it.

SQLite's online backup: the copy is the catalogue of one moment. Invariant: a file of the wanted name is a whole,
checked copy; until then it has another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.durable_files import sync
from storage.errors import CatalogueError
from storage.secrets.sealed_rows import is_scrubbed

__all__ = ["backup"]

# About 16 MB a step: other connections get their turn in between. The copy is made from a read transaction, so that a
# writer does not make it begin anew, as a backup from the live connection would with every commit.
_PAGES: Final = 4_096


def backup(database: Database, target: Path, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Copies the catalogue to ``target``, which must not exist yet; returns its bytes. ``progress`` is told pages done
    and in all. Only its owner may read the copy. Camera passwords are sealed in it, and their key is not there
    (``storage.secrets.key_copy``).

    Raises:
        CatalogueError: the copy is not to be had, or is damaged; nothing is left of it.
    """
    # Beside its final place: on the same file system, so that the name is given in one step.
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        if target.exists():
            raise CatalogueError(f"{target} exists; name another file, or remove it")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600, exist_ok=False)
        try:
            _copy(database, unfinished, progress)
            sync(unfinished)
            _name(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)
        sync(target.parent)
        return target.stat().st_size
    except (OSError, sqlite3.Error) as error:
        raise CatalogueError(f"no copy of the catalogue in {target}: {error}") from error


def _name(unfinished: Path, target: Path) -> None:
    """Gives the copy its name. A link fails if somebody made such a file meanwhile, where a rename would replace it;
    but not every file system of a stick or a share has links."""
    try:
        target.hardlink_to(unfinished)
    except FileExistsError:
        raise
    except OSError:
        unfinished.rename(target)


def _copy(database: Database, target: Path, progress: Callable[[int, int], None] | None) -> None:
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        # As one file: a copy is moved, sent, kept; two more files beside it would be forgotten.
        copy.execute("PRAGMA synchronous = OFF")
        with database.read() as conn:
            conn.execute("SELECT count(*) FROM meta").fetchone()

            def told(_: int, remaining: int, total: int) -> None:
                if progress is not None:
                    progress(total - remaining, total)

            conn.backup(copy, pages=_PAGES, progress=told, sleep=0)
            clean = is_scrubbed(conn)
        if not clean:
            # Its free space may hold what was plain once.
            copy.execute("VACUUM")
        copy.execute("PRAGMA journal_mode = DELETE")
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise CatalogueError(f"the copy is damaged, hence the catalogue {database.path} may be: {found}")
    finally:
        copy.close()
