"""What a node knows of its fleet without asking anybody: in its own catalogue, for its next start.

Invariant: what is kept of an assignment, the epochs that follow from it, and the cause of the gap that it ends are
written in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from nvr.fleet.model import Assignment, local_epoch
from storage.catalogue import facts, node
from storage.causes import Cause

__all__ = ["keep_assignments", "read_assignments"]


def read_assignments(conn: sqlite3.Connection) -> tuple[int, dict[str, Assignment]]:
    """The epoch of the fleet that was seen last, and the assignments of that."""
    row = conn.execute("SELECT epoch FROM fleet_seen").fetchone()
    found = conn.execute("SELECT camera, node, epoch, cause, previous, lost_us, has_footage FROM fleet_assignment")
    known = {row[0]: Assignment(row[1], row[2], row[3], row[4], row[5], bool(row[6])) for row in found}
    return 0 if row is None else row[0], known


def keep_assignments(
    conn: sqlite3.Connection, epoch: int, news: Mapping[str, Assignment], *, here: str, now_us: int
) -> None:
    """Keeps what is new. From now on this node's epochs are above all that were given under earlier ones of the fleet.
    Of a camera that node ``here`` has of a lost one, the gap begins where that one is known to have ended."""
    conn.execute(
        "INSERT INTO fleet_seen (one, epoch) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch",
        (epoch,),
    )
    conn.executemany(
        "INSERT OR REPLACE INTO fleet_assignment (camera, node, epoch, cause, previous, lost_us, has_footage)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(id_, a.node, a.epoch, a.cause, a.previous, a.lost_us, a.has_footage) for id_, a in news.items()],
    )
    node.raise_epoch(conn, local_epoch(epoch))
    for id_, found in news.items():
        if found.node == here and found.cause == "node_lost" and not found.has_footage:
            _lost(conn, id_, found, here, now_us)


def _lost(conn: sqlite3.Connection, camera: str, found: Assignment, here: str, now_us: int) -> None:
    before = facts.open_fact(conn, camera)
    if before is None or found.lost_us is None:
        # It is not known here, or recorded already; or the lost node never recorded.
        return
    # The lost node's clock may have been ahead.
    at_us = max(min(found.lost_us, now_us), before.start_us)
    detail = {"node": found.previous}
    facts.set_cause(conn, camera, at_us, Cause.NODE_LOST, detail, node=here, epoch=local_epoch(found.epoch))
