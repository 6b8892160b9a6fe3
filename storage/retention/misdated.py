"""Footage that was recorded under a wrong clock and says so: an earlier time than it can have. ``max_age`` judges it by
the time that is known.

A machine without a battery for its clock begins in 1970, and one whose clock was set back goes on weeks ago. When the
clock is right again, that footage of minutes ago looks older than any rule allows. Invariant: what began after the
clock was last trusted and is dated before that time is as old as that time, and no older, whether anybody saw the clock
go wrong or not: runs are numbered as they begin, and no clock counts for that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from storage.intervals import DAY_US, Interval, merge

__all__ = ["begin", "end", "ranges", "trusted"]

_TRUSTED: Final = "trusted_rev"
_TRUSTED_US: Final = "trusted_us"
_DOUBT: Final = "doubt"
_KNOWN: Final = "misdated"
# As much as the brake lets a clock differ.
_SLACK_US: Final = 600_000_000


def trusted(conn: sqlite3.Connection, now_us: int) -> int:
    """The clock is trusted now: what began before now began before any doubt that follows. Returns how many runs began
    since it was last trusted and are dated before that."""
    runs = _unseen(conn)
    if runs:
        _put(conn, _KNOWN, [*(_get(conn, _KNOWN) or []), {"true_us": _get(conn, _TRUSTED_US), "runs": runs}])
    _put(conn, _TRUSTED, _get(conn, "rev"))
    _put(conn, _TRUSTED_US, now_us)
    return len(runs)


def _unseen(conn: sqlite3.Connection) -> list[list[Any]]:
    """Runs that nobody has noted yet: the clock was set back and forward again between two looks, or between a stop and
    a start."""
    after, true_us = _get(conn, _TRUSTED), _get(conn, _TRUSTED_US)
    return [] if after is None or true_us is None else _runs(conn, after, true_us)


def _runs(conn: sqlite3.Connection, after: int, true_us: int) -> list[list[Any]]:
    rows = conn.execute(
        "SELECT c.id, r.start_us, r.end_us FROM run r JOIN camera c ON c.key = r.camera"
        " WHERE r.seq > ? AND r.start_us < ?",
        (after, true_us - _SLACK_US),
    ).fetchall()
    # One without an end can't be known to have ended within the day.
    return [[row[0], row[1], row[1] + DAY_US if row[2] is None else row[2]] for row in rows]


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
    runs = _runs(conn, doubt["after"], doubt["true_us"])
    if runs:
        _put(conn, _KNOWN, [*(_get(conn, _KNOWN) or []), {"true_us": doubt["true_us"], "runs": runs}])
    return len(runs)


def ranges(conn: sqlite3.Connection, due_us: Mapping[str, int]) -> dict[str, list[tuple[int, int]]]:
    """By camera, the times that its misdated footage is dated, where it can't be as old as to have ended by ``due_us``
    of the camera."""
    found: dict[str, list[Interval]] = {}
    known = list(_get(conn, _KNOWN) or [])
    if unseen := _unseen(conn):
        known.append({"true_us": _get(conn, _TRUSTED_US), "runs": unseen})
    for entry in known:
        for camera, start_us, end_us in entry["runs"]:
            if camera in due_us and entry["true_us"] > due_us[camera]:
                found.setdefault(camera, []).append(Interval(start_us, max(end_us, start_us + 1)))
    return {camera: [(a, b) for a, b in merge(intervals)] for camera, intervals in found.items()}


def _get(conn: sqlite3.Connection, key: str) -> Any:
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else json.loads(row[0]) if isinstance(row[0], str) else row[0]


def _put(conn: sqlite3.Connection, key: str, value: Any) -> None:
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value)))
