"""Queueing exports, and holding what they are to be made of, camera by camera.

A queued export is one row, whole with the list of its cameras; their holds follow in slices, each a short transaction.
Invariants: one that is begun has them all; what a crash left is held by whoever looks next.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nvr.cases import exports
from nvr.cases.exports import Export
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import Database, next_rev
from storage.retention import holds

__all__ = ["hold", "hold_all", "is_any_work", "queue"]

# So many cameras are held in one transaction: a few milliseconds.
_SLICE: Final = 100
# Whoever waits for the lock gets it: the lock by itself is nobody's turn.
_PAUSE_S: Final = 0.002


def is_any_work(conn: sqlite3.Connection, expired_before_us: int) -> bool:
    """Whether there is anything for who makes exports: one to be made or deleted, or holds that a closed case left."""
    row = conn.execute(
        "SELECT EXISTS (SELECT 1 FROM export WHERE state IN ('queued', 'running') OR (state = 'done' AND ended_us < ?))"
        " OR EXISTS (SELECT 1 FROM legal_case WHERE releasing = 1)",
        (expired_before_us,),
    ).fetchone()
    return bool(row[0])


def hold(
    conn: sqlite3.Connection, id_: str, cameras: Iterable[str], start_us: int, end_us: int, by: Actor, now_us: int
) -> tuple[str, ...]:
    """Holds a range of cameras for an export; returns the holds' ids.

    Raises:
        KeyError: there is no such camera.
    """
    placed = holds.place_each(conn, list(cameras), start_us, end_us, reason=f"export {id_}", by=by, now_us=now_us)
    return tuple(one.id for one in placed)


def queue(
    conn: sqlite3.Connection,
    id_: str,
    request: Mapping[str, Any],
    *,
    by: Actor,
    now_us: int,
    owner_id: str | None = None,
) -> Export:
    """Queues an export and holds its footage: of many cameras only the first ones', the others' by ``hold_all`` after
    this. It is for the person ``owner_id``; None: not known. ``request`` has at least ``cameras``, ``start_us`` and
    ``end_us``; kept with it is, as ``audit_entry``, the audit log's last entry of this.

    Raises:
        KeyError: there is no such camera.
        HoldError: the range of one can't be held.
    """
    holds.check_each(conn, request["cameras"], request["start_us"], request["end_us"], now_us=now_us)
    conn.execute(
        "INSERT INTO export (id, state, request, requested_by, requested_by_id, owner_id, requested_us, holds, rev)"
        " VALUES (?,'queued',?,?,?,?,?,'[]',?)",
        (id_, json.dumps(dict(request), ensure_ascii=False), by.name, by.person, owner_id, now_us, next_rev(conn)),
    )
    _hold_slice(conn, id_)
    made = exports.find(conn, id_)
    assert made is not None
    return made


def hold_all(database: Database, id_: str) -> None:
    """Holds what is not held yet of an export that was queued, in slices: others wait for the lock. Several may do so
    at once, and whoever comes after a crash."""
    act = audit.current()
    # Part of the entries of who queued it.
    with audit.acting(act if act is not None and act.entered else None):
        while True:
            with database.read() as conn:
                found = exports.find(conn, id_)
            if found is None or found.is_held or not found.is_open:
                return
            with database.write() as conn:
                _hold_slice(conn, id_)
            time.sleep(_PAUSE_S)


def _hold_slice(conn: sqlite3.Connection, id_: str) -> None:
    """Holds the next cameras' footage, and enters in the audit log that it is exported."""
    job = exports.find(conn, id_)
    if job is None or job.is_held or not job.is_open:
        return
    cameras = job.request["cameras"][len(job.holds) : len(job.holds) + _SLICE]
    start_us, end_us = job.request["start_us"], job.request["end_us"]
    (person,) = conn.execute("SELECT requested_by_id FROM export WHERE id = ?", (id_,)).fetchone()
    by = Actor(person, job.requested_by)
    kept = (*job.holds, *hold(conn, id_, cameras, start_us, end_us, by, job.requested_us))
    detail = {"export": id_, "start_us": start_us, "end_us": end_us, "case": job.request.get("case", "")}
    entry = audit.append_each(conn, "export_made", [(camera, detail) for camera in cameras])
    conn.execute(
        "UPDATE export SET holds = ?, request = json_set(request, '$.audit_entry', ?), rev = ? WHERE id = ?",
        (json.dumps(kept), str(entry), next_rev(conn), id_),
    )
