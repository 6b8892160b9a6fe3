"""Which decisions of people are in force now, and when that changes next: what the supervisor follows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.causes import Cause

__all__ = ["InForce", "in_force", "next_change_us", "off", "version"]

# A camera under one of these is not connected to; the first that holds is the cause.
_OFF = (Cause.DISABLED, Cause.SCHEDULE)


@dataclass(frozen=True, slots=True)
class InForce:
    """A decision in force for a camera since ``since_us``; ``detail`` as in its fact."""

    cause: Cause
    since_us: int
    detail: Mapping[str, Any]


def in_force(conn: sqlite3.Connection, at_us: int, camera: str | None = None) -> dict[str, list[InForce]]:
    """The decisions in force at a time, by camera; the deciding one first."""
    one = "" if camera is None else " AND f.camera = (SELECT key FROM camera WHERE id = :camera)"
    rows = conn.execute(
        "SELECT c.id, f.cause, f.start_us, f.detail FROM fact f INDEXED BY fact_order JOIN camera c ON c.key = f.camera"
        f" WHERE f.layer = 'order' AND f.start_us <= :at AND f.end_us IS NULL{one} UNION ALL"
        " SELECT c.id, f.cause, f.start_us, f.detail"
        " FROM fact f INDEXED BY fact_order JOIN camera c ON c.key = f.camera"
        f" WHERE f.layer = 'order' AND f.start_us <= :at AND f.end_us > :at{one}",
        {"at": at_us, "camera": camera},
    )
    found: dict[str, list[InForce]] = {}
    details: dict[str, Mapping[str, Any]] = {}
    for id_, cause, start_us, text in rows:
        # An order's detail is the same for each of its thousands of cameras.
        detail = details.get(text)
        if detail is None:
            detail = details[text] = json.loads(text)
        found.setdefault(id_, []).append(InForce(Cause(cause), start_us, detail))
    for several in found.values():
        several.sort(key=lambda each: (_rank(each.cause), -each.since_us))
    return found


def _rank(cause: Cause) -> int:
    return _OFF.index(cause) if cause in _OFF else len(_OFF)


def off(conn: sqlite3.Connection, at_us: int) -> dict[str, InForce]:
    """The cameras that are not to be connected to at a time, each with the deciding decision."""
    return {id_: several[0] for id_, several in in_force(conn, at_us).items() if several[0].cause in _OFF}


def next_change_us(conn: sqlite3.Connection, at_us: int) -> int | None:
    """The first time after ``at_us`` at which a decision begins or ends."""
    row = conn.execute(
        "SELECT min(at) FROM (SELECT min(end_us) AS at FROM fact INDEXED BY fact_order"
        " WHERE layer = 'order' AND end_us > :at UNION ALL"
        " SELECT min(start_us) FROM fact INDEXED BY fact_order"
        " WHERE layer = 'order' AND end_us IS NULL AND start_us > :at UNION ALL"
        " SELECT min(start_us) FROM fact INDEXED BY fact_order"
        " WHERE layer = 'order' AND end_us > :at AND start_us > :at)",
        {"at": at_us},
    ).fetchone()
    return None if row[0] is None else int(row[0])


def version(conn: sqlite3.Connection) -> tuple[int, int]:
    """Changes whenever a camera or a directive does, whoever changed it."""
    row = conn.execute("SELECT (SELECT max(rev) FROM camera), (SELECT max(rev) FROM directive)").fetchone()
    return (row[0] or 0, row[1] or 0)
