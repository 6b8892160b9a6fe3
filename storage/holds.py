"""Legal holds: ranges of a camera that retention must not touch.

The fence is in the database itself (trigger ``held_segment_stays``): no program of ours, however wrong, can delete the row of a held segment,
and files go only after their row. A hold is exact to the segment: one that it touches stays whole.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

from storage.database import next_rev

__all__ = ["Hold", "active", "every", "place", "release"]


@dataclass(frozen=True, slots=True)
class Hold:
    """``[start_us, end_us)`` of a camera is held. ``released_us`` is set when it no longer is; the row stays, for the record."""

    id: str
    camera: str
    start_us: int
    end_us: int
    reason: str
    placed_by: str
    placed_us: int
    released_us: int | None
    released_by: str | None
    release_reason: str | None


_SELECT = """SELECT h.id, c.id AS camera, h.start_us, h.end_us, h.reason, h.placed_by, h.placed_us, h.released_us, h.released_by,
h.release_reason FROM hold h JOIN camera c ON c.key = h.camera"""


def place(
    conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, *, reason: str, by: str, now_us: int
) -> Hold:
    """Holds a range, from now on.

    Raises:
        KeyError: there is no such camera.
        ValueError: the range is empty, or the reason is.
    """
    if end_us <= start_us:
        raise ValueError("the range is empty: end must be after start")
    if not reason.strip():
        raise ValueError("a hold needs a reason: name the case or the letter")
    row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if row is None:
        raise KeyError(camera)
    id_ = secrets.token_hex(6)
    conn.execute(
        "INSERT INTO hold (id, camera, start_us, end_us, reason, placed_by, placed_us, rev) VALUES (?,?,?,?,?,?,?,?)",
        (id_, row["key"], start_us, end_us, reason.strip(), by, now_us, next_rev(conn)),
    )
    return Hold(id_, camera, start_us, end_us, reason.strip(), by, now_us, None, None, None)


def release(conn: sqlite3.Connection, id_: str, *, reason: str, by: str, now_us: int) -> Hold:
    """Ends a hold; what it kept follows the rules again.

    Raises:
        KeyError: there is no such hold.
        ValueError: it was released before, or the reason is empty.
    """
    if not reason.strip():
        raise ValueError("the release of a hold needs a reason")
    row = conn.execute(f"{_SELECT} WHERE h.id = ?", (id_,)).fetchone()
    if row is None:
        raise KeyError(id_)
    if row["released_us"] is not None:
        raise ValueError("the hold was released before")
    conn.execute(
        "UPDATE hold SET released_us = ?, released_by = ?, release_reason = ?, rev = ? WHERE id = ?",
        (now_us, by, reason.strip(), next_rev(conn), id_),
    )
    return Hold(*{**dict(row), "released_us": now_us, "released_by": by, "release_reason": reason.strip()}.values())


def every(conn: sqlite3.Connection) -> list[Hold]:
    """All holds, released ones too, the latest first."""
    return [Hold(*row) for row in conn.execute(f"{_SELECT} ORDER BY h.placed_us DESC, h.id")]


def active(conn: sqlite3.Connection) -> dict[str, list[tuple[int, int]]]:
    """Held ranges by camera."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in conn.execute(f"{_SELECT} WHERE h.released_us IS NULL ORDER BY c.id, h.start_us"):
        found.setdefault(row["camera"], []).append((row["start_us"], row["end_us"]))
    return found
