"""Messages about alerts as queues, one a recipient: e-mail addresses and the webhook.

Belongs here: the rows, their bound, and how it goes with each recipient; what a message says, and sending it, is
decided elsewhere. Invariants: of one recipient messages go in the order in which they were queued; one that was
accepted is never sent again; one that is dropped is counted and keeps its reason.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "MOST_WAITING",
    "Delivery",
    "Recipient",
    "accepted",
    "drop",
    "failed",
    "forget",
    "queue",
    "recipients",
    "set_recipients",
    "troubled",
    "waiting",
]

# More than a week of a bad fleet; beyond it a person reads the page, not the mails.
MOST_WAITING: Final = 500
_KEPT_US: Final = 30 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for one recipient. ``body``: the alert as it was ``at_us``; empty of one from before there were
    queues."""

    seq: int
    recipient: str
    alert: str
    event: str
    at_us: int
    body: Mapping[str, Any]
    attempts: int
    refusals: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """How it goes. ``failing_since_us`` is None unless the last attempt failed; ``dropped_untold``: messages dropped
    since one was last accepted."""

    id: str
    waiting: int
    failing_since_us: int | None
    failures: int
    error: str | None
    accepted_us: int | None
    dropped: int
    dropped_untold: int


_DELIVERY: Final = "seq, recipient, alert, event, at_us, body, attempts, refusals, error"


def _delivery(row: sqlite3.Row) -> Delivery:
    values = dict(row)
    values["body"] = json.loads(values["body"]) if values["body"] else {}
    return Delivery(**values)


def set_recipients(conn: sqlite3.Connection, ids: Sequence[str], *, now_us: int) -> None:
    """The recipients are these now. What waits for another one is dropped; what waits for all of a channel (of before
    there were queues) goes to each of its."""
    for recipient in ids:
        conn.execute("INSERT OR IGNORE INTO recipient (id) VALUES (?)", (recipient,))
        channel = recipient.partition(":")[0]
        if channel != recipient:
            conn.execute(
                "INSERT INTO delivery (recipient, alert, event, at_us, body, attempts, error)"
                " SELECT ?, alert, event, at_us, body, attempts, error FROM delivery"
                " WHERE recipient = ? AND state = 'waiting'"
                " ORDER BY seq",
                (recipient, channel),
            )
    conn.execute(
        "UPDATE delivery SET state = 'joined', ended_us = ?, error = NULL WHERE state = 'waiting' AND recipient"
        " IN (SELECT substr(id, 1, instr(id, ':') - 1) FROM recipient WHERE instr(id, ':'))",
        (now_us,),
    )
    marks = ",".join("?" * len(ids))
    conn.execute(
        "UPDATE delivery SET state = 'dropped', ended_us = ?, error = 'this recipient is not configured any more'"
        f" WHERE state = 'waiting' AND recipient NOT IN ({marks})",
        (now_us, *ids),
    )
    conn.execute(f"DELETE FROM recipient WHERE id NOT IN ({marks})", tuple(ids))


def queue(conn: sqlite3.Connection, alert: str, event: str, body: Mapping[str, Any], *, at_us: int) -> None:
    """Queues a message for every recipient. Of more than ``MOST_WAITING`` the oldest are dropped, of alerts that are
    over first."""
    text = json.dumps(dict(body))
    for (recipient,) in conn.execute("SELECT id FROM recipient ORDER BY id").fetchall():
        conn.execute(
            "INSERT INTO delivery (recipient, alert, event, at_us, body) VALUES (?,?,?,?,?)",
            (recipient, alert, event, at_us, text),
        )
        over = conn.execute(
            "SELECT count(*) FROM delivery WHERE recipient = ? AND state = 'waiting'", (recipient,)
        ).fetchone()[0]
        if over > MOST_WAITING:
            excess = conn.execute(
                "SELECT d.seq FROM delivery d JOIN alert a ON a.id = d.alert"
                " WHERE d.recipient = ? AND d.state = 'waiting'"
                " ORDER BY a.resolved_us IS NULL, d.seq LIMIT ?",
                (recipient, over - MOST_WAITING),
            ).fetchall()
            why = f"more than {MOST_WAITING} messages waited for this recipient"
            drop(conn, recipient, [row[0] for row in excess], why, now_us=at_us)


def waiting(conn: sqlite3.Connection, recipient: str) -> list[Delivery]:
    """What waits for a recipient, in order."""
    query = f"SELECT {_DELIVERY} FROM delivery WHERE recipient = ? AND state = 'waiting' ORDER BY seq"
    return [_delivery(row) for row in conn.execute(query, (recipient,))]


def accepted(conn: sqlite3.Connection, recipient: str, last: int, joined: Collection[int], *, now_us: int) -> None:
    """The recipient has accepted the message ``last``; those ``joined`` were told with it."""
    conn.execute(
        "UPDATE delivery SET state = 'accepted', ended_us = ?, attempts = attempts + 1, error = NULL WHERE seq = ?",
        (now_us, last),
    )
    conn.executemany(
        "UPDATE delivery SET state = 'joined', ended_us = ?, error = NULL WHERE seq = ?",
        [(now_us, seq) for seq in joined],
    )
    conn.execute(
        "UPDATE recipient SET failing_since_us = NULL, failures = 0, error = NULL, accepted_us = ?, dropped_untold = 0"
        " WHERE id = ?",
        (now_us, recipient),
    )


def failed(conn: sqlite3.Connection, delivery: Delivery, error: str, *, is_refusal: bool, now_us: int) -> None:
    """An attempt failed. ``error`` holds no secrets; ``is_refusal``: the answer was no, rather than not now."""
    conn.execute(
        "UPDATE delivery SET attempts = attempts + 1, refusals = refusals + ?, error = ? WHERE seq = ?",
        (is_refusal, error, delivery.seq),
    )
    conn.execute(
        "UPDATE recipient SET failing_since_us = coalesce(failing_since_us, ?), failures = failures + 1, error = ?"
        " WHERE id = ?",
        (now_us, error, delivery.recipient),
    )


def drop(conn: sqlite3.Connection, recipient: str, seqs: Collection[int], why: str, *, now_us: int) -> None:
    """Messages are given up."""
    conn.executemany(
        "UPDATE delivery SET state = 'dropped', ended_us = ?, error = ? WHERE seq = ? AND state = 'waiting'",
        [(now_us, why, seq) for seq in seqs],
    )
    conn.execute(
        "UPDATE recipient SET dropped = dropped + :n, dropped_untold = dropped_untold + :n WHERE id = :id",
        {"n": len(seqs), "id": recipient},
    )


def forget(conn: sqlite3.Connection, *, now_us: int) -> None:
    """Removes messages that ended over a month ago."""
    conn.execute("DELETE FROM delivery WHERE ended_us < ?", (now_us - _KEPT_US,))


def recipients(conn: sqlite3.Connection) -> list[Recipient]:
    """All of the settings, by id."""
    rows = conn.execute(
        "SELECT id, (SELECT count(*) FROM delivery d WHERE d.recipient = r.id AND d.state = 'waiting') AS waiting,"
        " failing_since_us, failures, error, accepted_us, dropped, dropped_untold FROM recipient r ORDER BY id"
    )
    return [Recipient(**dict(row)) for row in rows]


def troubled(conn: sqlite3.Connection, alerts: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Of these alerts, messages that failed and still wait, or were dropped: recipient and why, by alert."""
    found: dict[str, list[tuple[str, str]]] = {}
    rows = conn.execute(
        "SELECT DISTINCT alert, recipient, error FROM delivery WHERE alert IN (SELECT value FROM json_each(?))"
        " AND state IN ('waiting', 'dropped') AND error IS NOT NULL ORDER BY alert, recipient, seq",
        (json.dumps(list(alerts)),),
    )
    for alert, recipient, error in rows:
        found.setdefault(alert, []).append((recipient, error))
    return found
