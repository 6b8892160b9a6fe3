"""Footage that was recorded under a wrong clock and says so: an earlier time than it can have. ``max_age`` judges it by
the time that is known.

A machine without a battery for its clock begins in 1970, and one whose clock was set back goes on weeks ago. When the
clock is right again, that footage of minutes ago looks older than any rule allows. Invariant: what was recorded while
the clock was in doubt and is dated before the last time that was trusted is as old as that time, and no older.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from storage.intervals import DAY_US, Interval, merge

__all__ = ["begin", "end", "ranges", "trusted"]

_TRUSTED: Final = "trusted_rev"
_DOUBT: Final = "doubt"
_KNOWN: Final = "misdated"
# As much as the brake lets a clock differ.
_SLACK_US: Final = 600_000_000


def trusted(conn: sqlite3.Connection) -> None:
    """The clock is trusted now: what began before now began before any doubt that follows."""
    _put(conn, _TRUSTED, _get(conn, "rev"))


def begin(conn: sqlite3.Connection, true_us: int) -> None:
    """The clock is in doubt; ``true_us`` is the last time that was trusted. While it was in doubt already this changes
    nothing."""
    if _get(conn, _DOUBT) is None:
        _put(conn, _DOUBT, {"after": _get(conn, _TRUSTED) or _get(conn, "rev"), "true_us": true_us})


def end(conn: sqlite3.Connection) -> int:
    """The clock is trusted again; returns how many runs are dated earlier than they can have been."""
    doubt = _get(conn, _DOUBT)
    if doubt is None:
        return 0
    conn.execute("DELETE FROM meta WHERE key = ?", (_DOUBT,))
    rows = conn.execute(
        "SELECT c.id, r.start_us, r.end_us FROM run r JOIN camera c ON c.key = r.camera"
        " WHERE r.seq > ? AND r.start_us < ?",
        (doubt["after"], doubt["true_us"] - _SLACK_US),
    ).fetchall()
    if rows:
        # One without an end can't be known to have ended within the day.
        runs = [[row[0], row[1], row[1] + DAY_US if row[2] is None else row[2]] for row in rows]
        _put(conn, _KNOWN, [*(_get(conn, _KNOWN) or []), {"true_us": doubt["true_us"], "runs": runs}])
    return len(rows)


def ranges(conn: sqlite3.Connection, due_us: Mapping[str, int]) -> dict[str, list[tuple[int, int]]]:
    """By camera, the times that its misdated footage is dated, where it can't be as old as to have ended by ``due_us``
    of the camera."""
    found: dict[str, list[Interval]] = {}
    for entry in _get(conn, _KNOWN) or []:
        for camera, start_us, end_us in entry["runs"]:
            if camera in due_us and entry["true_us"] > due_us[camera]:
                found.setdefault(camera, []).append(Interval(start_us, max(end_us, start_us + 1)))
    return {camera: [(a, b) for a, b in merge(intervals)] for camera, intervals in found.items()}


def _get(conn: sqlite3.Connection, key: str) -> Any:
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else json.loads(row[0]) if isinstance(row[0], str) else row[0]


def _put(conn: sqlite3.Connection, key: str, value: Any) -> None:
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value)))
