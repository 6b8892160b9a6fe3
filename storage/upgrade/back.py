"""Back to the catalogue of before an upgrade. The server's lock must be held.

Invariant: at each moment the catalogue's name leads to a whole catalogue, of before or of now, and no journal of one
lies beside the other.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from storage.catalogue.database import Database
from storage.durable_files import sync
from storage.errors import CatalogueError
from storage.upgrade.copies import Copy, copies, folder_of, interrupted, name_of, own_as, unmark
from storage.upgrade.standing import SchemaStanding, standing

__all__ = ["Meanwhile", "choose", "go_back", "meanwhile", "standing_of"]

_JOURNALS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What came into a catalogue since a time. ``holds``: those that still hold, with the camera, range and reason.
    ``entries``: of the audit log, by action. ``new_cameras``: those that the catalogue of before does not know."""

    segments: int
    cameras: int
    recorded_us: int
    bytes: int
    holds: tuple[tuple[str, int, int, str], ...]
    entries: tuple[tuple[str, int], ...]
    new_cameras: tuple[str, ...] = ()


def choose(catalogue: Path) -> Copy:
    """The copy to go back to: that of the upgrade that was interrupted, or of the last one.

    Raises:
        CatalogueError: there is none.
    """
    found = [copy for copy in copies(catalogue) if not copy.is_left]
    under_way = interrupted(catalogue)
    for copy in reversed(found):
        if under_way is None or copy.path == under_way:
            return copy
    raise CatalogueError(f"there is nothing to go back to: no copy of an upgrade is in {folder_of(catalogue)}")


def standing_of(copy: Copy) -> SchemaStanding:
    """How the copy stands; it is looked at whole.

    Raises:
        CatalogueError: it is damaged, or can't be read.
    """
    try:
        conn = sqlite3.connect(f"{copy.path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            wrong = conn.execute("PRAGMA integrity_check").fetchone()[0]
            if wrong != "ok":
                raise CatalogueError(f"{copy.path} is damaged ({wrong}); the catalogue stays as it is")
            return standing(conn)
        finally:
            conn.close()
    except sqlite3.Error as error:
        raise CatalogueError(f"{copy.path} can't be read: {error}; the catalogue stays as it is") from error


def meanwhile(conn: sqlite3.Connection, since_us: int) -> Meanwhile:
    """What came in since then, by the catalogue of now."""
    row = conn.execute(
        "SELECT count(*), count(DISTINCT camera), coalesce(sum(end_us - max(start_us, ?1)), 0),"
        " coalesce(sum(bytes), 0) FROM segment WHERE end_us > ?1",
        (since_us,),
    ).fetchone()
    holds = conn.execute(
        "SELECT camera.id, hold.start_us, hold.end_us, hold.reason FROM hold JOIN camera ON camera.key = hold.camera"
        " WHERE hold.placed_us >= ? AND hold.released_us IS NULL ORDER BY hold.placed_us",
        (since_us,),
    )
    kept = tuple((str(held[0]), int(held[1]), int(held[2]), str(held[3])) for held in holds)
    entries = conn.execute(
        "SELECT action, count(*) FROM audit WHERE at_us >= ? GROUP BY action ORDER BY 2 DESC, 1", (since_us,)
    )
    done = tuple((str(entry[0]), int(entry[1])) for entry in entries)
    new = tuple(
        str(one[0]) for one in conn.execute("SELECT id FROM camera WHERE added_us >= ? ORDER BY id", (since_us,))
    )
    return Meanwhile(int(row[0]), int(row[1]), int(row[2]), int(row[3]), kept, done, new)


def go_back(database: Database, copy: Copy) -> Path:
    """The catalogue is the copy from now on; returns where that of now was left. The copy stays.

    Raises:
        CatalogueError: a program still uses the catalogue, or a disk refuses; the catalogue stays as it is.
    """
    path = database.path
    with database.read() as conn:
        schema = standing(conn).schema
    _alone(database)
    left = folder_of(path) / name_of(time.time_ns() // 1000, schema, is_left=True)
    new = path.with_name(path.name + ".back")
    try:
        new.unlink(missing_ok=True)
        _copy(copy.path, new)
        own_as(new, path)
        _keep(path, left)
        sync(left.parent)
        new.replace(path)
        sync(path.parent)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise CatalogueError(f"catalogue {path} stays as it is: {error}") from error
    unmark(path)
    return left


def _alone(database: Database) -> None:
    """Puts all into the one file. Refused by SQLite while anybody else has it open, whose journal would be taken for
    the copy's."""
    path = database.path
    database.close()
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        mode = conn.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise CatalogueError(f"a program uses catalogue {path} now: end it and call this again ({error})") from error
    finally:
        conn.close()
    left = [name for name in _JOURNALS if path.with_name(path.name + name).exists()]
    if mode != "delete" or left:
        raise CatalogueError(f"a program uses catalogue {path} now: end it and call this again")


def _copy(source: Path, target: Path) -> None:
    """As a file that only its owner reads, durably."""
    target.touch(mode=0o600)
    shutil.copyfile(source, target)
    sync(target)


def _keep(path: Path, left: Path) -> None:
    """Under another name too, without a second copy where the file system has links."""
    left.unlink(missing_ok=True)
    try:
        left.hardlink_to(path)
    except OSError:
        _copy(path, left)
        own_as(left, path)
