"""What is closed for privacy, as rows. Invariant: a closure is ended, never changed or deleted."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

from nvr.access.errors import InvalidGrant, NoSuchGrant
from nvr.access.model import Closure
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, many_lines

__all__ = ["close_footage", "closures", "find_closure", "open_footage"]

_SELECT: Final = (
    "SELECT o.id, c.id AS camera, o.start_us, o.end_us, o.reason, o.since_us, o.until_us, o.made_by, o.made_by_id,"
    " o.ended_us, o.ended_by FROM closure o JOIN camera c ON c.key = o.camera"
)


def closures(conn: sqlite3.Connection, *, ended: bool = False) -> list[Closure]:
    """All, the first first; with ``ended``, those that are over too."""
    where = "" if ended else "WHERE o.ended_us IS NULL"
    return [_closure(row) for row in conn.execute(f"{_SELECT} {where} ORDER BY o.since_us, o.id")]


def _closure(row: sqlite3.Row) -> Closure:
    return Closure(
        row["id"],
        row["camera"],
        row["start_us"],
        row["end_us"],
        row["reason"],
        row["since_us"],
        row["until_us"],
        row["made_by"],
        row["made_by_id"] or "",
        row["ended_us"],
        row["ended_by"],
    )


def find_closure(conn: sqlite3.Connection, id_: str) -> Closure | None:
    """The one of this id, ended or not."""
    row = conn.execute(f"{_SELECT} WHERE o.id = ?", (id_,)).fetchone()
    return None if row is None else _closure(row)


def close_footage(
    conn: sqlite3.Connection,
    camera: str,
    *,
    reason: str,
    by: Actor,
    at_us: int,
    start_us: int | None = None,
    end_us: int | None = None,
    until_us: int | None = None,
) -> Closure:
    """Closes a camera, or a range of it, from now on.

    Raises:
        KeyError: there never was such a camera.
        InvalidGrant: there is no reason, or a time can't be.
    """
    try:
        reason = many_lines(Sentence("the reason"), reason)
    except TextError as error:
        raise InvalidGrant(sentence_of(error)) from None
    if start_us is not None and end_us is not None and end_us <= start_us:
        raise InvalidGrant(Sentence("the range of the footage is empty: end must be after start"))
    if until_us is not None and until_us <= at_us:
        raise InvalidGrant(Sentence("it would be opened again before now"))
    row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if row is None:
        raise KeyError(camera)
    id_ = f"closure-{secrets.token_hex(6)}"
    conn.execute(
        "INSERT INTO closure (id, camera, start_us, end_us, reason, since_us, until_us, made_by, made_by_id)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        (id_, row[0], start_us, end_us, reason, at_us, until_us, by.name, by.person),
    )
    detail = {"closure": id_, "start_us": start_us, "end_us": end_us, "until_us": until_us, "reason": reason}
    audit.append(conn, "footage_closed", camera=camera, detail=detail)
    made = find_closure(conn, id_)
    assert made is not None
    return made


def open_footage(conn: sqlite3.Connection, id_: str, *, by: Actor, at_us: int) -> Closure:
    """Ends it.

    Raises:
        NoSuchGrant: there is none, or it has ended.
    """
    query = "UPDATE closure SET ended_us = ?, ended_by = ?, ended_by_id = ? WHERE id = ? AND ended_us IS NULL"
    if not conn.execute(query, (at_us, by.name, by.person, id_)).rowcount:
        raise NoSuchGrant(Sentence("nothing is closed by {id!r}, or it was opened", id=id_))
    ended = find_closure(conn, id_)
    assert ended is not None
    audit.append(conn, "footage_opened", camera=ended.camera, detail={"closure": id_})
    return ended
