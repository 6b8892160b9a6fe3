"""Cameras whose data ended a recorder's process, and which therefore have one of their own, after a restart of the
server too."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

__all__ = ["Quarantined", "insert", "list_all", "release"]

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Quarantined:
    """``settings``: digest of the settings with which the camera crashed its recorder so many times, ``first_us`` and
    ``last_us`` of them."""

    camera: str
    settings: str
    crashes: int
    first_us: int
    last_us: int
    reason: str


def list_all(conn: sqlite3.Connection) -> dict[str, Quarantined]:
    """By camera id."""
    rows = conn.execute(
        "SELECT c.id, q.settings, q.crashes, q.first_us, q.last_us, q.reason"
        " FROM quarantine q JOIN camera c ON c.key = q.camera"
    )
    return {row[0]: Quarantined(*row) for row in rows}


def insert(conn: sqlite3.Connection, camera: str, settings: str, crashes: int, at_us: int, reason: str) -> None:
    """The camera has crashed its recorder, by now so many times."""
    conn.execute(
        "INSERT INTO quarantine (camera, settings, crashes, first_us, last_us, reason) SELECT key, ?, ?, ?, ?, ?"
        " FROM camera WHERE id = ?"
        " ON CONFLICT (camera) DO UPDATE SET settings=excluded.settings, crashes=excluded.crashes,"
        " last_us=excluded.last_us, reason=excluded.reason",
        (settings, crashes, at_us, at_us, reason[:_LONGEST_REASON], camera),
    )


def release(conn: sqlite3.Connection, camera: str) -> None:
    """The camera may be recorded beside others again."""
    conn.execute("DELETE FROM quarantine WHERE camera = (SELECT key FROM camera WHERE id = ?)", (camera,))
