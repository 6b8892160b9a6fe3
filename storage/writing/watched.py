"""Cameras that somebody watches live, for whom their recorders are quick: said by the API, again and again, and read by
recorders. What was not said again for some seconds is over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

__all__ = ["now", "put"]


def put(conn: sqlite3.Connection, cameras: Collection[str], *, until_us: int, now_us: int) -> None:
    """These are watched until then, and no others; ids that the catalogue does not know are passed over."""
    conn.execute("DELETE FROM watched WHERE until_us < ?", (now_us,))
    conn.execute(
        "DELETE FROM watched WHERE camera NOT IN"
        " (SELECT camera.key FROM camera JOIN json_each(?) AS given ON camera.id = given.value)",
        (json.dumps(sorted(cameras)),),
    )
    conn.execute(
        "INSERT INTO watched (camera, until_us) SELECT camera.key, ? FROM camera JOIN json_each(?) AS given"
        " ON camera.id = given.value WHERE true ON CONFLICT (camera) DO UPDATE SET until_us = excluded.until_us",
        (until_us, json.dumps(sorted(cameras))),
    )


def now(conn: sqlite3.Connection, now_us: int) -> frozenset[str]:
    """The cameras that are watched now."""
    rows = conn.execute(
        "SELECT camera.id FROM watched JOIN camera ON camera.key = watched.camera WHERE until_us > ?", (now_us,)
    )
    return frozenset(row["id"] for row in rows)
