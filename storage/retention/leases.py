"""Leases: who reads footage says so for a while, so that it is not pruned between the requests of one download.

A lease is a courtesy, no hold: it ends by itself, ``storage.retention.plan`` keeps it against ``max_bytes``, against
``max_age`` for an hour only, and gives leased footage up last, but gives it up, when the disk is full.
"""

from __future__ import annotations

import sqlite3

from storage.intervals import Interval, merge
from storage.retention.holds import Ranges

__all__ = ["active", "take"]


def take(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, *, now_us: int, until_us: int) -> None:
    """Leases ``[start_us, end_us)`` of a camera until then. The same range again only lasts longer; leases that are
    over are removed."""
    conn.execute("DELETE FROM lease WHERE until_us <= ?", (now_us,))
    conn.execute(
        "INSERT INTO lease (camera, start_us, end_us, until_us) VALUES ((SELECT key FROM camera WHERE id = ?), ?, ?, ?)"
        " ON CONFLICT (camera, start_us, end_us) DO UPDATE SET until_us = max(until_us, excluded.until_us)",
        (camera, start_us, end_us, until_us),
    )


def active(conn: sqlite3.Connection, now_us: int) -> dict[str, Ranges]:
    """What is leased now, by camera: sorted and disjoint."""
    found: dict[str, list[Interval]] = {}
    for camera, start_us, end_us in conn.execute(
        "SELECT c.id, l.start_us, l.end_us FROM lease l JOIN camera c ON c.key = l.camera WHERE l.until_us > ?",
        (now_us,),
    ):
        found.setdefault(camera, []).append(Interval(start_us, end_us))
    return {camera: merge(ranges) for camera, ranges in found.items()}
