"""Rows of cameras that are older than sealing: sealed once, at the upgrade, and nothing left of their plain text.

``meta.camera_secrets``: 0, rows may be plain; 1, all are sealed, but free space of the file may hold what was there; 2,
it doesn't.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from storage.secrets.sealing import SEALED, Keys

__all__ = ["is_scrubbed", "scrub", "seal_all"]

# Rewriting takes about a second for 100 MB, in which nothing is recorded.
_MOST_BYTES: Final = 4_000_000_000


def _stage(conn: sqlite3.Connection) -> int:
    row = conn.execute("SELECT value FROM meta WHERE key = 'camera_secrets'").fetchone()
    return 2 if row is None else int(row[0])


def is_scrubbed(conn: sqlite3.Connection) -> bool:
    """Whether the file holds no plain secret of before."""
    return _stage(conn) == 2


def seal_all(conn: sqlite3.Connection, keys: Keys) -> None:
    """Seals rows that are plain, those of removed cameras too. Outside a transaction.

    Raises:
        CatalogueError: there is no key, and none can be made.
    """
    if _stage(conn):
        return
    # What a shorter row frees within its page is overwritten.
    conn.execute("PRAGMA secure_delete = ON")
    conn.execute("BEGIN IMMEDIATE")
    try:
        changed = 0
        for key, camera, text in conn.execute("SELECT key, id, settings FROM camera").fetchall():
            settings = json.loads(text)
            sealed = keys.seal(camera, settings)
            if SEALED in sealed and SEALED not in settings:
                conn.execute("UPDATE camera SET settings = ? WHERE key = ?", (json.dumps(sealed), key))
                changed += 1
        conn.execute("UPDATE meta SET value = ? WHERE key = 'camera_secrets'", (1 if changed else 2,))
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    finally:
        conn.execute("PRAGMA secure_delete = OFF")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def scrub(conn: sqlite3.Connection, path: Path) -> str | None:
    """Rewrites the file, so that its free space holds nothing of before; says why not, if it was not done. Nobody else
    may use it meanwhile. Outside a transaction."""
    if _stage(conn) != 1:
        return None
    size = path.stat().st_size
    if size > _MOST_BYTES:
        return f"it has {size} bytes; rewriting it would keep cameras from being recorded for long"
    if shutil.disk_usage(path.parent).free < 2 * size + 10_000_000:
        return "its disk has no room for a second one"
    try:
        conn.execute("VACUUM")
        conn.execute("UPDATE meta SET value = 2 WHERE key = 'camera_secrets'")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        return str(error)
    return None
