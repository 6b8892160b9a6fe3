"""Alerts: the rows. What is an alert is decided elsewhere; messages about them are in ``nvr.alerting.deliveries``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import next_rev
from storage.sentences import Sentence
from storage.texts import many_lines

__all__ = [
    "AlertMember",
    "AlertRow",
    "acknowledge",
    "find",
    "list_all",
    "pending",
    "put",
    "recent",
    "set_pending",
]


@dataclass(frozen=True, slots=True)
class AlertMember:
    """A camera of an alert. ``since_us``: of its outage, the last one if it is well. ``joined_us``: when it became part
    of the alert. ``well_us``: since when it is not down any more, None while it is; ``is_required`` is False if that is
    because it need not be recorded any more."""

    camera: str
    since_us: int
    joined_us: int
    well_us: int | None = None
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert. ``resolved_us`` is None while it is open; ``acknowledged_us`` while nobody has acknowledged it.
    ``cameras``: those that it is about now, or was when it ended. ``well_us``: since when it is not so any more, while
    it is waited whether it stays so."""

    id: str
    kind: str
    subject: str
    since_us: int
    opened_us: int
    seen_us: int
    resolved_us: int | None
    flaps: int
    cameras: tuple[str, ...]
    detail: Mapping[str, Any]
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    acknowledged_by_id: str | None = None
    members: tuple[AlertMember, ...] = field(default=())
    well_us: int | None = None
    told: int = 0
    told_us: int | None = None


_COLUMNS = (
    "id, kind, subject, since_us, opened_us, seen_us, resolved_us, flaps, cameras, detail, acknowledged_us,"
    " acknowledged_by, note, acknowledged_by_id, members, well_us, told, told_us"
)


def _row(row: sqlite3.Row) -> AlertRow:
    values = dict(row)
    values["cameras"] = tuple(json.loads(values["cameras"]))
    values["detail"] = json.loads(values["detail"])
    values["members"] = tuple(
        AlertMember(camera, since_us, joined_us, well_us, bool(is_required))
        for camera, since_us, joined_us, well_us, is_required in json.loads(values["members"])
    )
    return AlertRow(**values)


def put(conn: sqlite3.Connection, row: AlertRow) -> None:
    """Inserts an alert, or what has changed of it, and of a new one its acknowledgement. That of one that is known
    stays, unless it is open again after its end."""
    members = [[m.camera, m.since_us, m.joined_us, m.well_us, int(m.is_required)] for m in row.members]
    conn.execute(
        f"INSERT INTO alert ({_COLUMNS}, rev) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET since_us = excluded.since_us,"
        " acknowledged_us = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, acknowledged_us),"
        " acknowledged_by = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, acknowledged_by),"
        " acknowledged_by_id = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, acknowledged_by_id),"
        " note = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, note),"
        " seen_us = excluded.seen_us, resolved_us = excluded.resolved_us, flaps = excluded.flaps,"
        " cameras = excluded.cameras,"
        " detail = excluded.detail, members = excluded.members, well_us = excluded.well_us, told = excluded.told,"
        " told_us = excluded.told_us, rev = excluded.rev",
        (
            row.id,
            row.kind,
            row.subject,
            row.since_us,
            row.opened_us,
            row.seen_us,
            row.resolved_us,
            row.flaps,
            json.dumps(list(row.cameras)),
            json.dumps(dict(row.detail)),
            row.acknowledged_us,
            row.acknowledged_by,
            row.note,
            row.acknowledged_by_id,
            json.dumps(members),
            row.well_us,
            row.told,
            row.told_us,
            next_rev(conn),
        ),
    )


def find(conn: sqlite3.Connection, id_: str) -> AlertRow | None:
    """The alert of this id."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _row(row)


def recent(conn: sqlite3.Connection, since_us: int) -> list[AlertRow]:
    """Those open, and those resolved since then."""
    query = f"SELECT {_COLUMNS} FROM alert WHERE resolved_us IS NULL OR resolved_us >= ?"
    return [_row(row) for row in conn.execute(query, (since_us,))]


def list_all(conn: sqlite3.Connection, *, open_only: bool, limit: int) -> list[AlertRow]:
    """Open ones first, the latest first."""
    where = "WHERE resolved_us IS NULL" if open_only else ""
    query = f"SELECT {_COLUMNS} FROM alert {where} ORDER BY resolved_us IS NOT NULL, opened_us DESC, id LIMIT ?"
    return [_row(row) for row in conn.execute(query, (limit,))]


def acknowledge(conn: sqlite3.Connection, id_: str, *, note: str, by: Actor, now_us: int) -> AlertRow:
    """Somebody knows of it.

    Raises:
        KeyError: there is no such alert.
        TextError: the note can't be kept.
    """
    note = many_lines(Sentence("the note"), note, may_be_empty=True)
    changed = conn.execute(
        "UPDATE alert SET acknowledged_us = ?, acknowledged_by = ?, acknowledged_by_id = ?, note = ?, rev = ?"
        " WHERE id = ?",
        (now_us, by.name, by.person, note or None, next_rev(conn), id_),
    ).rowcount
    row = find(conn, id_)
    if not changed or row is None:
        raise KeyError(id_)
    detail = {"alert": id_, "kind": row.kind, "subject": row.subject, "note": note}
    audit.append(conn, "alert_acknowledged", detail=detail)
    return row


def pending(conn: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """What is not an alert yet and does not say itself since when it is so: since when, by kind and subject."""
    return {(row[0], row[1]): row[2] for row in conn.execute("SELECT kind, subject, since_us FROM alert_pending")}


def set_pending(conn: sqlite3.Connection, found: Mapping[tuple[str, str], int]) -> None:
    """Replaces them."""
    conn.execute("DELETE FROM alert_pending")
    conn.executemany("INSERT INTO alert_pending VALUES (?,?,?)", [(*key, since_us) for key, since_us in found.items()])
