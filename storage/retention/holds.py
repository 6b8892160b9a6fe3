"""Legal holds: ranges of a camera that retention must not touch.

The fence is in the database itself (trigger ``held_segment_stays``): no program of ours, however wrong, can delete the
row of a held segment, and files go only after their row. A hold is exact to the segment: one that it touches stays
whole.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import next_rev
from storage.intervals import DAY_US
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, many_lines
from storage.times import iso

__all__ = [
    "AHEAD_US",
    "LONGEST_US",
    "Hold",
    "HoldError",
    "Ranges",
    "active",
    "check_each",
    "find",
    "keeps",
    "list_all",
    "place",
    "place_each",
    "release",
    "release_each",
    "touches",
]

Ranges = Sequence[tuple[int, int]]

LONGEST_US: Final = 400 * DAY_US
"""A hold is of footage that is there, or will be soon: who needs more places another when it is time."""
AHEAD_US: Final = 366 * DAY_US
_BEFORE_US: Final = 31 * DAY_US


class HoldError(ValueError):
    """A hold can't be placed or released like this; the message says why."""


@dataclass(frozen=True, slots=True)
class Hold:
    """``[start_us, end_us)`` of a camera is held. ``released_us`` is set when it no longer is; the row stays, for the
    record."""

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


_SELECT = """SELECT h.id, c.id AS camera, h.start_us, h.end_us, h.reason, h.placed_by, h.placed_us, h.released_us,
h.released_by, h.release_reason FROM hold h JOIN camera c ON c.key = h.camera"""


def _reason(text: str, missing: Sentence) -> str:
    try:
        kept = many_lines(Sentence("the reason"), text, may_be_empty=True)
    except TextError as error:
        raise HoldError(sentence_of(error)) from None
    if not kept:
        raise HoldError(missing)
    return kept


def _check_bounds(row: sqlite3.Row, start_us: int, end_us: int, now_us: int) -> None:
    if end_us - start_us > LONGEST_US:
        raise HoldError(Sentence("a hold is of at most {most} days: place several", most=LONGEST_US // DAY_US))
    if end_us > now_us + AHEAD_US:
        raise HoldError(
            Sentence(
                "a hold ends at most {most} days from now: place another when it is time",
                most=AHEAD_US // DAY_US,
            )
        )
    oldest_us = row["oldest_us"]
    earliest_us = min(row["added_us"], now_us, now_us if oldest_us is None else oldest_us)
    if start_us < earliest_us - _BEFORE_US:
        raise HoldError(
            Sentence(
                "the camera has no footage from before {earliest}: begin the hold there",
                earliest=iso(earliest_us),
            )
        )


def place(
    conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, *, reason: str, by: Actor, now_us: int
) -> Hold:
    """Holds a range, from now on.

    Raises:
        KeyError: there is no such camera.
        HoldError: the range is empty, longer than ``LONGEST_US``, ends later than ``AHEAD_US`` from now, or begins long
            before there could be footage;
            or the reason is empty.
    """
    return place_each(conn, [camera], start_us, end_us, reason=reason, by=by, now_us=now_us)[0]


def place_each(
    conn: sqlite3.Connection,
    cameras: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    reason: str,
    by: Actor,
    now_us: int,
) -> list[Hold]:
    """Holds a range of each camera, or of none. As few statements as can be: others wait for the lock.

    Raises:
        KeyError: there is no camera of this id.
        HoldError: as ``place``.
    """
    reason = _reason(reason, Sentence("a hold needs a reason: name the case or the letter"))
    known = check_each(conn, cameras, start_us, end_us, now_us=now_us)
    placed = [
        Hold(secrets.token_hex(6), camera, start_us, end_us, reason, by.name, now_us, None, None, None)
        for camera in cameras
    ]
    rev = next_rev(conn)
    conn.executemany(
        "INSERT INTO hold (id, camera, start_us, end_us, reason, placed_by, placed_by_id, placed_us, rev)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        [(one.id, known[one.camera], start_us, end_us, reason, by.name, by.person, now_us, rev) for one in placed],
    )
    audit.append_each(
        conn,
        "hold_placed",
        [(one.camera, {"hold": one.id, "start_us": start_us, "end_us": end_us, "reason": reason}) for one in placed],
    )
    return placed


def check_each(
    conn: sqlite3.Connection, cameras: Sequence[str], start_us: int, end_us: int, *, now_us: int
) -> dict[str, int]:
    """Passes if a range of each camera can be held; returns their keys.

    Raises:
        KeyError: there is no camera of this id.
        HoldError: as ``place``.
    """
    if end_us <= start_us:
        raise HoldError(Sentence("the range is empty: end must be after start"))
    rows = conn.execute(
        "SELECT id, key, added_us, (SELECT min(start_us) FROM segment WHERE camera = c.key) AS oldest_us FROM camera c"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(cameras)),),
    )
    known = {row["id"]: row for row in rows}
    for camera in cameras:
        _check_bounds(known[camera], start_us, end_us, now_us)
    return {camera: known[camera]["key"] for camera in cameras}


def release(conn: sqlite3.Connection, id_: str, *, reason: str, by: Actor, now_us: int) -> Hold:
    """Ends a hold; what it kept follows the rules again.

    Raises:
        KeyError: there is no such hold.
        HoldError: it was released before, or the reason is empty.
    """
    if find(conn, id_) is None:
        raise KeyError(id_)
    if not release_each(conn, [id_], reason=reason, by=by, now_us=now_us):
        raise HoldError(Sentence("the hold was released before"))
    ended = find(conn, id_)
    assert ended is not None
    return ended


def release_each(conn: sqlite3.Connection, ids: Sequence[str], *, reason: str, by: Actor, now_us: int) -> int:
    """Ends those of the holds that still hold; returns how many.

    Raises:
        HoldError: the reason is empty.
    """
    reason = _reason(reason, Sentence("the release of a hold needs a reason"))
    left = conn.execute(
        "SELECT h.id, c.id AS camera FROM json_each(?) j JOIN hold h ON h.id = j.value"
        " JOIN camera c ON c.key = h.camera WHERE h.released_us IS NULL",
        (json.dumps(list(ids)),),
    ).fetchall()
    rev = next_rev(conn)
    conn.executemany(
        "UPDATE hold SET released_us = ?, released_by = ?, released_by_id = ?, release_reason = ?, rev = ?"
        " WHERE id = ?",
        [(now_us, by.name, by.person, reason, rev, row["id"]) for row in left],
    )
    audit.append_each(conn, "hold_released", [(row["camera"], {"hold": row["id"], "reason": reason}) for row in left])
    return len(left)


def find(conn: sqlite3.Connection, id_: str) -> Hold | None:
    """The hold of this id."""
    row = conn.execute(f"{_SELECT} WHERE h.id = ?", (id_,)).fetchone()
    return None if row is None else Hold(*row)


def list_all(conn: sqlite3.Connection) -> list[Hold]:
    """All holds, released ones too, the latest first."""
    return [Hold(*row) for row in conn.execute(f"{_SELECT} ORDER BY h.placed_us DESC, h.id")]


def active(conn: sqlite3.Connection) -> dict[str, list[tuple[int, int]]]:
    """Held ranges by camera, merged, by start."""
    found: dict[str, list[tuple[int, int]]] = {}
    for camera, start_us, end_us in conn.execute(
        "SELECT c.id, h.start_us, h.end_us FROM hold h JOIN camera c ON c.key = h.camera WHERE h.released_us IS NULL"
        " ORDER BY c.id, h.start_us"
    ):
        ranges = found.setdefault(camera, [])
        if ranges and start_us <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], end_us))
        else:
            ranges.append((start_us, end_us))
    return found


def touches(start_us: int, end_us: int, ranges: Ranges) -> bool:
    """Whether a segment overlaps one of the ranges; one of no length, if it begins in one. As the trigger says it."""
    last_us = max(start_us, end_us - 1)
    return any(from_us <= last_us and until_us > start_us for from_us, until_us in ranges)


def keeps(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> bool:
    """Whether a hold keeps the segment ``[start_us, end_us)`` of a camera."""
    query = (
        "SELECT 1 FROM hold WHERE camera = (SELECT key FROM camera WHERE id = ?)"
        " AND released_us IS NULL AND start_us <= ? AND end_us > ? LIMIT 1"
    )
    return conn.execute(query, (camera, max(start_us, end_us - 1), start_us)).fetchone() is not None
