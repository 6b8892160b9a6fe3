"""How the last backup and the last drill went: kept in the catalogue, for metrics, alerts and ``nvr doctor``."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["BackupState", "note_backup", "note_copy", "note_drill", "read_state"]

_BACKUP: Final = "backup_last"
_DRILL: Final = "backup_drill"
_COPY: Final = "backup_copy"


@dataclass(frozen=True, slots=True)
class BackupState:
    """``made_us``: the last backup that was made; ``failed``: why the one after it was not. ``drilled_us`` and
    ``drill_failed`` of the last drill. ``copied_us``: when that was made which was last copied to a
    store elsewhere; ``copy_failed``: why the one after it was not. None: there was none."""

    made_us: int | None = None
    made_bytes: int = 0
    path: str = ""
    failed: str | None = None
    failed_us: int | None = None
    drilled_us: int | None = None
    drill_failed: str | None = None
    copied_us: int | None = None
    copy_failed: str | None = None
    copy_failed_us: int | None = None


def read_state(conn: sqlite3.Connection) -> BackupState:
    """How they went, as far as the catalogue knows."""
    backup, drill, copy = _read(conn, _BACKUP), _read(conn, _DRILL), _read(conn, _COPY)
    return BackupState(
        backup.get("made_us"),
        backup.get("made_bytes", 0),
        backup.get("path", ""),
        backup.get("failed"),
        backup.get("failed_us"),
        drill.get("at_us"),
        drill.get("failed"),
        copy.get("at_us"),
        copy.get("failed"),
        copy.get("failed_us"),
    )


def note_backup(
    conn: sqlite3.Connection, at_us: int, *, path: str = "", made_bytes: int = 0, failed: str | None = None
) -> None:
    """One was made, or, with ``failed``, was not. In a write transaction."""
    if failed is None:
        _write(conn, _BACKUP, {"made_us": at_us, "made_bytes": made_bytes, "path": path})
    else:
        _write(conn, _BACKUP, {**_read(conn, _BACKUP), "failed": failed, "failed_us": at_us})


def note_drill(conn: sqlite3.Connection, at_us: int, failed: str | None) -> None:
    """A drill passed, or failed for this reason. In a write transaction."""
    _write(conn, _DRILL, {"at_us": at_us, "failed": failed})


def note_copy(conn: sqlite3.Connection, at_us: int, failed: str | None) -> None:
    """The one that was made at ``at_us`` was copied to a store elsewhere, or, with ``failed``, was not then. In a write
    transaction."""
    if failed is None:
        _write(conn, _COPY, {"at_us": at_us})
    else:
        _write(conn, _COPY, {**_read(conn, _COPY), "failed": failed, "failed_us": at_us})


def _read(conn: sqlite3.Connection, key: str) -> dict[str, Any]:
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    try:
        found = json.loads(row[0]) if row is not None else {}
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(conn: sqlite3.Connection, key: str, value: dict[str, Any]) -> None:
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value)))
