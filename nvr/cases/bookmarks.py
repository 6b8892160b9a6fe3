"""Bookmarks: moments of a camera's footage with a note, for everybody who may play that footage.

Invariant: a bookmark is seen only together with its footage; a removed one stays in the catalogue, with who removed it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import next_rev
from storage.sentences import Sentence

__all__ = ["LONGEST_NOTE", "MOST_LISTED", "Bookmark", "BookmarkError", "between", "find", "make", "remove"]

LONGEST_NOTE: Final = 500
MOST_LISTED: Final = 2_000
# Of one camera's day: a program gone wrong, not a person.
_MOST_A_DAY: Final = 1_000
_DAY_US: Final = 86_400 * 1_000_000

_SELECT: Final = """SELECT b.id, c.id AS camera, b.at_us, b.note, b.made_by, b.made_by_id, b.made_us
FROM bookmark b JOIN camera c ON c.key = b.camera WHERE b.removed_us IS NULL"""


class BookmarkError(ValueError):
    """A bookmark can't be made like this; the message says why."""

    def __init__(self, message: Sentence) -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A moment ``at_us`` of a camera, and what was noted."""

    id: str
    camera: str
    at_us: int
    note: str
    made_by: str
    made_by_id: str | None
    made_us: int


def make(conn: sqlite3.Connection, camera: str, at_us: int, note: str, *, by: Actor, now_us: int) -> Bookmark:
    """Marks a moment.

    Raises:
        KeyError: there is no such camera.
        BookmarkError: the moment has not come, the note is empty or too long, or there are too many.
    """
    row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if row is None:
        raise KeyError(camera)
    text = note.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise BookmarkError(Sentence("a bookmark needs a note of 1 to {most} characters", most=LONGEST_NOTE))
    if not 0 <= at_us <= now_us:
        raise BookmarkError(Sentence("a bookmark is of a moment that has been"))
    day_us = at_us // _DAY_US * _DAY_US
    (count,) = conn.execute(
        "SELECT count(*) FROM bookmark WHERE camera = ? AND at_us >= ? AND at_us < ? AND removed_us IS NULL",
        (row["key"], day_us, day_us + _DAY_US),
    ).fetchone()
    if count >= _MOST_A_DAY:
        raise BookmarkError(Sentence("this day of the camera has {most} bookmarks: remove some", most=_MOST_A_DAY))
    made = Bookmark(secrets.token_hex(8), camera, at_us, text, by.name, by.person, now_us)
    conn.execute(
        "INSERT INTO bookmark (id, camera, at_us, note, made_by, made_by_id, made_us, rev) VALUES (?,?,?,?,?,?,?,?)",
        (made.id, row["key"], at_us, text, by.name, by.person, now_us, next_rev(conn)),
    )
    audit.append(conn, "bookmark_made", camera=camera, detail={"bookmark": made.id, "at_us": at_us})
    return made


def find(conn: sqlite3.Connection, id_: str) -> Bookmark | None:
    """The bookmark of this id, unless it was removed."""
    row = conn.execute(f"{_SELECT} AND b.id = ?", (id_,)).fetchone()
    return None if row is None else Bookmark(**dict(row))


def between(conn: sqlite3.Connection, cameras: Iterable[str], start_us: int, end_us: int) -> list[Bookmark]:
    """Those of these cameras' ``[start_us, end_us)``, by time; so many that a page can show them."""
    found: list[Bookmark] = []
    for camera in cameras:
        rows = conn.execute(
            f"{_SELECT} AND c.id = ? AND b.at_us >= ? AND b.at_us < ? ORDER BY b.at_us, b.id LIMIT ?",
            (camera, start_us, end_us, MOST_LISTED),
        )
        found += [Bookmark(**dict(row)) for row in rows]
    return sorted(found, key=lambda one: (one.at_us, one.id))[:MOST_LISTED]


def remove(conn: sqlite3.Connection, id_: str, *, by: Actor, now_us: int) -> None:
    """Takes it away.

    Raises:
        KeyError: there is no such bookmark, or not any more.
    """
    found = find(conn, id_)
    if found is None:
        raise KeyError(id_)
    conn.execute(
        "UPDATE bookmark SET removed_us = ?, removed_by = ?, removed_by_id = ?, rev = ? WHERE id = ?",
        (now_us, by.name, by.person, next_rev(conn), id_),
    )
    audit.append(conn, "bookmark_removed", camera=found.camera, detail={"bookmark": id_, "at_us": found.at_us})
