"""What a decision changes, camera by camera: who is under it, and the facts that come of it.

A decision is one row, entered whole with the list of its cameras; what follows from it for thousands of them is written
in slices, each a short transaction. Invariants: effects are written in the order of the decisions; what a crash left is
written by whoever looks next; a directive is not revoked while effects of it are still to be written.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Final

from nvr.orders.model import DirectiveError, DirectiveKind
from storage.catalogue import audit
from storage.catalogue.database import Database, next_rev
from storage.sentences import Sentence

__all__ = ["carry_out", "carry_out_slice", "is_waiting", "queue", "refuse_while_waiting"]

# A slice has so many cameras: a few milliseconds. A schedule writes, and a revocation takes away, dozens of facts of
# each camera.
_SLICE: Final = 200
_SCHEDULE_SLICE: Final = 10
# Whoever waits for the lock gets it: the lock by itself is nobody's turn.
_PAUSE_S: Final = 0.002


def queue(
    conn: sqlite3.Connection,
    directive: str,
    cameras: Sequence[int],
    times: Sequence[tuple[int, int | None]],
    *,
    kind: DirectiveKind,
    node: str | None,
    detail: str = "{}",
    revocation: str | None = None,
) -> None:
    """Has the effects written: at once those of a few cameras, later, by ``carry_out``, those of many. ``cameras``:
    their keys. ``node`` None: that of the directive's facts is of no matter, since a revocation writes none."""
    waiting = is_waiting(conn)
    conn.execute(
        "INSERT INTO directive_todo (directive, revocation, node, detail, times, cameras)"
        " VALUES (?, ?, coalesce((SELECT key FROM node WHERE id = ?), (SELECT min(key) FROM node)), ?, ?, ?)",
        (directive, revocation, node, detail, json.dumps(times), json.dumps(cameras)),
    )
    if not waiting and len(cameras) <= _slice_of(kind):
        carry_out_slice(conn)


def is_waiting(conn: sqlite3.Connection) -> bool:
    """Whether effects of any decision are still to be written."""
    return conn.execute("SELECT 1 FROM directive_todo LIMIT 1").fetchone() is not None


def refuse_while_waiting(conn: sqlite3.Connection, directive: str) -> None:
    """Passes if all effects of a directive are written.

    Raises:
        DirectiveError: some are not.
    """
    if conn.execute("SELECT 1 FROM directive_todo WHERE directive = ? LIMIT 1", (directive,)).fetchone():
        raise DirectiveError(Sentence("it is being carried out just now: try again in a moment"))


def _slice_of(kind: DirectiveKind) -> int:
    return _SCHEDULE_SLICE if kind is DirectiveKind.SCHEDULE else _SLICE


def carry_out(database: Database) -> None:
    """Writes the effects of all decisions that wait, slice by slice; others may do so at the same time."""
    act = audit.current()
    # Effects are part of the entry of the decision; those of somebody else's are no act of whoever is here.
    with audit.acting(act if act is not None and act.entered else None):
        while True:
            with database.read() as conn:
                if not is_waiting(conn):
                    return
            with database.write() as conn:
                carry_out_slice(conn)
            time.sleep(_PAUSE_S)


def carry_out_slice(conn: sqlite3.Connection) -> None:
    """Writes the next effects of the decision that has waited longest."""
    row = conn.execute(
        "SELECT t.*, d.kind, d.epoch FROM directive_todo t JOIN directive d ON d.id = t.directive ORDER BY seq LIMIT 1"
    ).fetchone()
    if row is None:
        return
    cameras: list[int] = json.loads(row["cameras"])
    kind = DirectiveKind(row["kind"])
    until = row["done"] + _slice_of(kind)
    rev = next_rev(conn)
    values = {
        "directive": row["directive"],
        "revocation": row["revocation"],
        "node": row["node"],
        "detail": row["detail"],
        "epoch": row["epoch"],
        "cause": kind.cause,
        "rev": rev,
        "cameras": json.dumps(cameras[row["done"] : until]),
    }
    times: list[tuple[int, int | None]] = [(start_us, end_us) for start_us, end_us in json.loads(row["times"])]
    if row["revocation"] is None:
        _begin(conn, times, values)
    else:
        _end(conn, times[0][0], values)
    # Recorders follow a directive's revision.
    conn.execute("UPDATE directive SET rev = ? WHERE id = ?", (rev, row["directive"]))
    if until < len(cameras):
        conn.execute("UPDATE directive_todo SET done = ? WHERE seq = ?", (until, row["seq"]))
    else:
        conn.execute("DELETE FROM directive_todo WHERE seq = ?", (row["seq"],))


_CHOSEN: Final = "(SELECT value FROM json_each(:cameras))"
_FACTS: Final = f"layer = 'order' AND epoch = :epoch AND camera IN {_CHOSEN}"


def _begin(conn: sqlite3.Connection, times: Sequence[tuple[int, int | None]], values: dict[str, Any]) -> None:
    conn.execute(
        "INSERT OR IGNORE INTO directive_camera (directive, camera) SELECT :directive, value FROM json_each(:cameras)",
        values,
    )
    if times and values["cause"] == DirectiveKind.SCHEDULE.cause:
        # What continues a fact that ends there makes that one grow.
        grown = conn.execute(
            f"UPDATE fact SET end_us = :end, rev = :rev WHERE {_FACTS} AND end_us = :start",
            {**values, "start": times[0][0], "end": times[0][1]},
        )
        times = times[1:] if grown.rowcount else times
    conn.executemany(
        "INSERT OR IGNORE INTO fact (camera, layer, start_us, node, epoch, end_us, cause, detail, rev)"
        " SELECT value, 'order', :start, :node, :epoch, :end, :cause, :detail, :rev FROM json_each(:cameras)",
        [{**values, "start": start_us, "end": end_us} for start_us, end_us in times],
    )


def _end(conn: sqlite3.Connection, at_us: int, values: dict[str, Any]) -> None:
    values = {**values, "at": at_us}
    # What has not begun by then never will have been.
    conn.execute(f"DELETE FROM fact WHERE {_FACTS} AND start_us >= :at", values)
    conn.execute(
        f"UPDATE fact SET end_us = :at, rev = :rev WHERE {_FACTS} AND (end_us IS NULL OR end_us > :at)", values
    )
    conn.execute(
        f"UPDATE directive_camera SET revocation = :revocation WHERE directive = :directive AND camera IN {_CHOSEN}",
        values,
    )
