"""How cameras are read that are not read as their settings say first: what was found to work, and since when.

Source and transport of a camera change seldom, and what was found must outlive restarts: a camera that has to be tried
anew at each of them would lose seconds of footage each time.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

__all__ = ["FoundReading", "list_all", "put"]


@dataclass(frozen=True, slots=True)
class FoundReading:
    """``settings`` and ``sdp`` are digests of the settings and the session description that it was found with; the
    latter is None until it is known. ``changed_us``: when the source last changed, or another one was last tried in
    vain."""

    camera: str
    settings: str
    source: str
    transport: str
    sdp: str | None
    reason: str
    changed_us: int


def list_all(conn: sqlite3.Connection) -> dict[str, FoundReading]:
    """By camera id."""
    rows = conn.execute(
        "SELECT c.id, r.settings, r.source, r.transport, r.sdp, r.reason, r.changed_us"
        " FROM reading r JOIN camera c ON c.key = r.camera"
    )
    return {row[0]: FoundReading(*row) for row in rows}


def put(conn: sqlite3.Connection, reading: FoundReading) -> None:
    """Inserts or replaces a camera's row; of a camera that is unknown nothing is kept."""
    conn.execute(
        "INSERT OR REPLACE INTO reading (camera, settings, source, transport, sdp, reason, changed_us)"
        " SELECT key, ?, ?, ?, ?, ?, ? FROM camera WHERE id = ?",
        (
            reading.settings,
            reading.source,
            reading.transport,
            reading.sdp,
            reading.reason,
            reading.changed_us,
            reading.camera,
        ),
    )
