"""Facts: intervals with a cause, recorded when it happened.

The recorder's facts of a camera are a step function: ``enter`` sets the cause in force from a time on, ``resume`` says
that footage begins. Between footage there is thus always exactly one. Deletions are facts as well: the ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.catalogue.database import next_rev
from storage.causes import Cause, Layer, class_of
from storage.intervals import Interval, merge, subtract

__all__ = [
    "Fact",
    "between",
    "fill",
    "forget_footage",
    "insert",
    "move",
    "open_fact",
    "reach_back",
    "resume",
    "set_cause",
    "story_end",
    "take_over",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """``[start_us, end_us)`` had this cause; ``end_us`` is None while it still has. Its identity is camera, layer,
    start, node, epoch."""

    camera: str
    layer: Layer
    start_us: int
    end_us: int | None
    cause: Cause
    detail: Mapping[str, Any]
    node: str
    epoch: int


_SELECT = """SELECT c.id AS camera, f.layer, f.start_us, f.end_us, f.cause, f.detail, n.id AS node, f.epoch
FROM fact f CROSS JOIN camera c ON c.key = f.camera CROSS JOIN node n ON n.key = f.node"""
# Without statistics SQLite would look at all that a camera ever had.
_BY_END = _SELECT.replace("FROM fact f", "FROM fact f INDEXED BY fact_end")


def _fact(row: sqlite3.Row) -> Fact:
    return Fact(
        row["camera"],
        Layer(row["layer"]),
        row["start_us"],
        row["end_us"],
        Cause(row["cause"]),
        json.loads(row["detail"]),
        row["node"],
        row["epoch"],
    )


def between(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[Fact]:
    """Facts of one camera that touch ``[start_us, end_us)``, by start."""
    key = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if key is None:
        return []
    # Two searches, as an OR would use no index. Questions are mostly about lately.
    query = (
        f"{_BY_END} WHERE f.camera = :key AND f.end_us > :start AND f.start_us < :end UNION ALL"
        f" {_BY_END} WHERE f.camera = :key AND f.end_us IS NULL AND f.start_us < :end ORDER BY 3, 8, 7"
    )
    return [_fact(row) for row in conn.execute(query, {"key": key[0], "start": start_us, "end": end_us})]


def open_fact(conn: sqlite3.Connection, camera: str) -> Fact | None:
    """The recorder's fact that is in force now; None while the camera records."""
    query = (
        f"{_BY_END} WHERE f.camera = (SELECT key FROM camera WHERE id = ?) AND f.layer = 'recorder'"
        " AND f.end_us IS NULL ORDER BY f.start_us DESC, f.epoch DESC"
    )
    row = conn.execute(query, (camera,)).fetchone()
    return None if row is None else _fact(row)


def _close_open(conn: sqlite3.Connection, camera: str, at_us: int) -> None:
    """Ends the recorder's open facts at ``at_us``. One that would be empty goes: nothing was ever without footage
    because of it."""
    rev = next_rev(conn)
    scope = "camera = (SELECT key FROM camera WHERE id = :camera) AND layer = 'recorder' AND end_us IS NULL"
    values = {"camera": camera, "at": at_us, "rev": rev}
    conn.execute(f"DELETE FROM fact WHERE {scope} AND start_us >= :at", values)
    conn.execute(f"UPDATE fact SET end_us = :at, rev = :rev WHERE {scope}", values)


def resume(conn: sqlite3.Connection, camera: str, at_us: int) -> None:
    """Footage begins at ``at_us``: whatever cause was in force ends there."""
    _close_open(conn, camera, at_us)


def set_cause(
    conn: sqlite3.Connection,
    camera: str,
    at_us: int,
    cause: Cause,
    detail: Mapping[str, Any],
    *,
    node: str,
    epoch: int,
) -> None:
    """From ``at_us`` on there is no footage because of ``cause``. The same cause of the same class again goes on; its
    latest detail is kept.

    ``at_us`` is the end of footage, or the time of the outcome (a refused connection) that changed the cause. Of a
    recorder whose camera has been moved to another (a higher epoch, which records), it means nothing.
    """
    if _superseded(conn, camera, epoch):
        return
    now = open_fact(conn, camera)
    text = json.dumps(dict(detail))
    same = now is not None and now.cause is cause and class_of(cause, now.detail) is class_of(cause, detail)
    if now is not None and same and now.start_us <= at_us:
        if dict(now.detail) != dict(detail):
            conn.execute(
                "UPDATE fact SET detail = ?, rev = ? WHERE camera = (SELECT key FROM camera WHERE id = ?)"
                " AND layer = 'recorder' AND end_us IS NULL",
                (text, next_rev(conn), camera),
            )
        return
    _close_open(conn, camera, at_us)
    if now is None and not _grows(conn, camera, epoch):
        # The disk may have taken less than the recorder believes, and have said so before the recorder's own word came.
        told_us = story_end(conn, camera, at_us)
        at_us = at_us if told_us is None else min(at_us, told_us)
    insert(conn, camera, cause, at_us, None, detail, node=node, epoch=epoch, layer=Layer.RECORDER)


def take_over(
    conn: sqlite3.Connection,
    camera: str,
    at_us: int,
    cause: Cause,
    detail: Mapping[str, Any],
    *,
    node: str,
    epoch: int,
) -> bool:
    """A recorder has the camera since ``at_us``: what was ``not_configured`` until now, or said of this before, is
    ``cause`` from then on. Of any other cause, and of footage, it means nothing; returns whether it meant something."""
    now = open_fact(conn, camera)
    if now is None or _superseded(conn, camera, epoch):
        return False
    if now.cause is not Cause.NOT_CONFIGURED and (now.start_us, now.epoch) != (at_us, epoch):
        return False
    at_us = max(at_us, now.start_us)
    _close_open(conn, camera, at_us)
    insert(conn, camera, cause, at_us, None, detail, node=node, epoch=epoch, layer=Layer.RECORDER)
    return True


def _grows(conn: sqlite3.Connection, camera: str, epoch: int) -> bool:
    """Whether a segment of this recorder grows; those of its predecessors may wait for their adoption."""
    query = "SELECT 1 FROM growing WHERE camera = (SELECT key FROM camera WHERE id = ?) AND epoch = ?"
    return conn.execute(query, (camera, epoch)).fetchone() is not None


def _superseded(conn: sqlite3.Connection, camera: str, epoch: int) -> bool:
    """Whether a later recorder of this camera records."""
    query = "SELECT 1 FROM growing WHERE camera = (SELECT key FROM camera WHERE id = ?) AND epoch > ?"
    return conn.execute(query, (camera, epoch)).fetchone() is not None


def story_end(conn: sqlite3.Connection, camera: str, at_us: int) -> int | None:
    """Until when footage (a growing segment's as far as it is known) or a recorder's closed fact reaches, of what began
    before ``at_us``; None if there is neither."""
    key = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()[0]
    # Ends are not sorted where a clock was set back; so many rows before are enough to see past that, though holes make
    # many short ones.
    row = conn.execute(
        "SELECT max(end_us) FROM (SELECT * FROM (SELECT end_us FROM span WHERE camera = :key AND start_us < :at"
        " ORDER BY start_us DESC LIMIT 64) UNION ALL SELECT * FROM (SELECT end_us FROM fact WHERE camera = :key"
        " AND layer = 'recorder' AND start_us < :at ORDER BY start_us DESC LIMIT 64)"
        " UNION ALL SELECT * FROM (SELECT end_us FROM fact WHERE camera = :key AND layer = 'footage'"
        " AND start_us < :at ORDER BY start_us DESC LIMIT 64)"
        " UNION ALL SELECT until_us FROM growing WHERE camera = :key AND start_us < :at)",
        {"key": key, "at": at_us},
    ).fetchone()
    return None if row[0] is None else int(row[0])


def fill(
    conn: sqlite3.Connection,
    camera: str,
    start_us: int,
    end_us: int,
    cause: Cause,
    detail: Mapping[str, Any],
    *,
    node: str,
    epoch: int,
) -> None:
    """``[start_us, end_us)`` turned out to hold no footage: where no recorder's fact says why, it is because of
    ``cause``."""
    known = [
        Interval(max(fact.start_us, start_us), end_us if fact.end_us is None else min(fact.end_us, end_us))
        for fact in between(conn, camera, start_us, end_us)
        if fact.layer is Layer.RECORDER
    ]
    for a, b in subtract(start_us, end_us, merge(known)):
        insert(conn, camera, cause, a, b, detail, node=node, epoch=epoch, layer=Layer.RECORDER)


def reach_back(
    conn: sqlite3.Connection,
    camera: str,
    end_us: int,
    cause: Cause,
    detail: Mapping[str, Any],
    *,
    node: str,
    epoch: int,
) -> None:
    """Footage turned out to end at ``end_us``, earlier than its recorder had said: the fact that followed begins there.
    If footage followed instead, ``cause`` is why there is none in between."""
    key = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()[0]
    after = conn.execute(
        "SELECT start_us, node, epoch FROM fact WHERE camera = ? AND layer = 'recorder'"
        " AND (end_us IS NULL OR end_us > ?) ORDER BY start_us LIMIT 1",
        (key, end_us),
    ).fetchone()
    if after is not None and after["start_us"] <= end_us:
        return
    footage = conn.execute(
        "SELECT start_us FROM segment WHERE camera = ? AND start_us >= ? AND end_us IS NOT start_us"
        " ORDER BY start_us LIMIT 1",
        (key, end_us),
    ).fetchone()
    if footage is not None and (after is None or footage["start_us"] < after["start_us"]):
        fill(conn, camera, end_us, footage["start_us"], cause, detail, node=node, epoch=epoch)
    elif after is not None:
        conn.execute(
            "UPDATE fact SET start_us = ?, rev = ? WHERE camera = ? AND layer = 'recorder' AND start_us = ?"
            " AND node = ? AND epoch = ?",
            (end_us, next_rev(conn), key, after["start_us"], after["node"], after["epoch"]),
        )


def insert(
    conn: sqlite3.Connection,
    camera: str,
    cause: Cause,
    start_us: int,
    end_us: int | None,
    detail: Mapping[str, Any],
    *,
    node: str,
    epoch: int,
    layer: Layer | None = None,
) -> None:
    """Records a fact, by default in the layer of its cause; one of the same identity is replaced, but for the time that
    it reached further."""
    layer = layer or cause.layer
    old = conn.execute(
        # By the key: through the names of camera and node SQLite would look at every fact there is.
        f"{_SELECT} WHERE f.camera = (SELECT key FROM camera WHERE id = ?) AND f.layer = ? AND f.start_us = ?"
        " AND f.node = (SELECT key FROM node WHERE id = ?) AND f.epoch = ?",
        (camera, layer, start_us, node, epoch),
    ).fetchone()
    conn.execute(
        "INSERT OR REPLACE INTO fact (camera, layer, start_us, node, epoch, end_us, cause, detail, rev) VALUES ("
        "(SELECT key FROM camera WHERE id = ?), ?, ?, (SELECT key FROM node WHERE id = ?), ?, ?, ?, ?, ?)",
        (camera, layer, start_us, node, epoch, end_us, cause, json.dumps(dict(detail)), next_rev(conn)),
    )
    if old is not None and end_us is not None and (old["end_us"] is None or old["end_us"] > end_us):
        rest = _fact(old)
        insert(conn, camera, rest.cause, end_us, rest.end_us, rest.detail, node=node, epoch=epoch, layer=layer)


def move(conn: sqlite3.Connection, fact: Fact, start_us: int, end_us: int) -> None:
    """A fact turned out to hold in ``[start_us, end_us)``."""
    conn.execute(
        "DELETE FROM fact WHERE camera = (SELECT key FROM camera WHERE id = ?) AND layer = ? AND start_us = ?"
        " AND node = (SELECT key FROM node WHERE id = ?) AND epoch = ?",
        (fact.camera, fact.layer, fact.start_us, fact.node, fact.epoch),
    )
    insert(
        conn, fact.camera, fact.cause, start_us, end_us, fact.detail, node=fact.node, epoch=fact.epoch, layer=fact.layer
    )


def forget_footage(
    conn: sqlite3.Connection,
    camera: str,
    start_us: int,
    end_us: int,
    cause: Cause,
    detail: Mapping[str, Any],
    *,
    node: str,
    epoch: int,
    segments: int = 1,
    bytes_: int = 0,
) -> None:
    """Enters into the ledger that footage of ``[start_us, end_us)`` went. An entry of the same cause and policy that
    ends exactly there grows instead, so that a year of pruning is not a row a segment."""
    row = conn.execute(
        # The entry before this one, or one of the few that overlap it; a ledger of years is not searched for more.
        "SELECT start_us, detail FROM (SELECT * FROM fact WHERE camera = (SELECT key FROM camera WHERE id = ?)"
        " AND layer = 'footage' AND start_us < ? ORDER BY start_us DESC LIMIT 16)"
        " WHERE cause = ? AND end_us = ? AND node = (SELECT key FROM node WHERE id = ?) AND epoch = ?"
        " ORDER BY start_us DESC LIMIT 1",
        (camera, start_us, cause, start_us, node, epoch),
    ).fetchone()
    counted = {**detail, "segments": segments, "bytes": bytes_}
    if row is not None:
        old = json.loads(row["detail"])
        if {k: v for k, v in old.items() if k not in ("segments", "bytes")} == dict(detail):
            counted["segments"] += old["segments"]
            counted["bytes"] += old["bytes"]
            conn.execute(
                "UPDATE fact SET end_us = ?, detail = ?, rev = ? WHERE camera = (SELECT key FROM camera WHERE id = ?)"
                " AND layer = 'footage' AND start_us = ? AND node = (SELECT key FROM node WHERE id = ?) AND epoch = ?",
                (end_us, json.dumps(counted), next_rev(conn), camera, row["start_us"], node, epoch),
            )
            return
    insert(conn, camera, cause, start_us, end_us, counted, node=node, epoch=epoch)
