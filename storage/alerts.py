"""Alerts and the messages about them: the rows. What is an alert is decided elsewhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage import audit
from storage.actors import Actor
from storage.database import next_rev

__all__ = [
    "Notice",
    "Row",
    "acknowledge",
    "every",
    "failed",
    "find",
    "notices",
    "put",
    "queue",
    "recent",
    "sent",
    "undelivered",
]


@dataclass(frozen=True, slots=True)
class Row:
    """An alert. ``resolved_us`` is None while it is open; ``acknowledged_us`` while nobody said that they know of it."""

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


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about an alert that is to go, or went, through a channel."""

    alert: str
    at_us: int
    event: str
    channel: str
    due_us: int
    attempts: int
    sent_us: int | None
    error: str | None


_COLUMNS = (
    "id, kind, subject, since_us, opened_us, seen_us, resolved_us, flaps, cameras, detail, acknowledged_us,"
    " acknowledged_by, note"
)
_NOTICE = "alert, at_us, event, channel, due_us, attempts, sent_us, error"


def _row(row: sqlite3.Row) -> Row:
    values = dict(row)
    values["cameras"] = tuple(json.loads(values["cameras"]))
    values["detail"] = json.loads(values["detail"])
    return Row(**values)


def put(conn: sqlite3.Connection, row: Row) -> None:
    """Enters an alert, or what has changed of it. Its acknowledgement stays, unless it is open again after its end."""
    conn.execute(
        "INSERT INTO alert (id, kind, subject, since_us, opened_us, seen_us, resolved_us, flaps, cameras, detail, rev)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET since_us = excluded.since_us,"
        " acknowledged_us = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, acknowledged_us),"
        " acknowledged_by = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, acknowledged_by),"
        " acknowledged_by_id = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, acknowledged_by_id),"
        " note = iif(resolved_us IS NOT NULL AND excluded.resolved_us IS NULL, NULL, note),"
        " seen_us = excluded.seen_us, resolved_us = excluded.resolved_us, flaps = excluded.flaps, cameras = excluded.cameras,"
        " detail = excluded.detail, rev = excluded.rev",
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
            next_rev(conn),
        ),
    )


def find(conn: sqlite3.Connection, id_: str) -> Row | None:
    """The alert of this id."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _row(row)


def recent(conn: sqlite3.Connection, since_us: int) -> list[Row]:
    """Those open, and those resolved since then."""
    query = f"SELECT {_COLUMNS} FROM alert WHERE resolved_us IS NULL OR resolved_us >= ?"
    return [_row(row) for row in conn.execute(query, (since_us,))]


def every(conn: sqlite3.Connection, *, open_only: bool, limit: int) -> list[Row]:
    """Open ones first, the latest first."""
    where = "WHERE resolved_us IS NULL" if open_only else ""
    query = f"SELECT {_COLUMNS} FROM alert {where} ORDER BY resolved_us IS NOT NULL, opened_us DESC, id LIMIT ?"
    return [_row(row) for row in conn.execute(query, (limit,))]


def acknowledge(conn: sqlite3.Connection, id_: str, *, note: str, by: Actor, now_us: int) -> Row:
    """Somebody knows of it.

    Raises:
        KeyError: there is no such alert.
    """
    changed = conn.execute(
        "UPDATE alert SET acknowledged_us = ?, acknowledged_by = ?, acknowledged_by_id = ?, note = ?, rev = ? WHERE id = ?",
        (now_us, by.name, by.person, note.strip() or None, next_rev(conn), id_),
    ).rowcount
    row = find(conn, id_)
    if not changed or row is None:
        raise KeyError(id_)
    detail = {"alert": id_, "kind": row.kind, "subject": row.subject, "note": note.strip()}
    audit.enter(conn, "alert_acknowledged", detail=detail)
    return row


def queue(conn: sqlite3.Connection, alert: str, event: str, channels: Sequence[str], *, now_us: int) -> None:
    """A message about an alert is to go through these channels."""
    conn.executemany(
        "INSERT OR IGNORE INTO notice (alert, at_us, event, channel, due_us) VALUES (?,?,?,?,?)",
        [(alert, now_us, event, channel, now_us) for channel in channels],
    )


def notices(conn: sqlite3.Connection, *, due_us: int, limit: int = 50) -> list[Notice]:
    """Messages that have to go now, the longest due first."""
    query = f"SELECT {_NOTICE} FROM notice WHERE sent_us IS NULL AND due_us <= ? ORDER BY due_us, alert LIMIT ?"
    return [Notice(*row) for row in conn.execute(query, (due_us, limit))]


_THIS = "WHERE alert = ? AND at_us = ? AND event = ? AND channel = ?"


def sent(conn: sqlite3.Connection, notice: Notice, *, now_us: int) -> None:
    """It went."""
    conn.execute(
        f"UPDATE notice SET sent_us = ?, attempts = attempts + 1, error = NULL {_THIS}",
        (now_us, notice.alert, notice.at_us, notice.event, notice.channel),
    )


def failed(conn: sqlite3.Connection, notice: Notice, error: str, *, due_us: int) -> None:
    """It did not go, and is tried again at ``due_us``. ``error`` holds no secrets."""
    conn.execute(
        f"UPDATE notice SET attempts = attempts + 1, error = ?, due_us = ? {_THIS}",
        (error, due_us, notice.alert, notice.at_us, notice.event, notice.channel),
    )


def undelivered(conn: sqlite3.Connection, alerts: Sequence[str]) -> dict[str, list[Notice]]:
    """Messages of these alerts that failed and have not gone yet, by alert."""
    found: dict[str, list[Notice]] = {}
    for start in range(0, len(alerts), 500):
        part = alerts[start : start + 500]
        marks = ",".join("?" * len(part))
        query = f"SELECT {_NOTICE} FROM notice WHERE sent_us IS NULL AND error IS NOT NULL AND alert IN ({marks})"
        for row in conn.execute(query, part):
            found.setdefault(row["alert"], []).append(Notice(*row))
    return found
