"""A footage root whose disk will not come back: what it held is missing from then on, with the cause.

Invariant: nothing of a disk that is there is given up; what a legal hold is on stays listed, and somebody must look.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.catalogue.slices import in_slices
from storage.causes import Cause
from storage.disk.roots import Root, is_mounted, known_roots
from storage.errors import RootError
from storage.retention import holds
from storage.times import iso

__all__ = ["LostRoot", "give_up", "look_at_lost"]

# A growing segment that has not grown for as long is none that a recorder still writes.
_STILL_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class LostRoot:
    """What a root held: segments, bytes, from when to when; ``held``: those of them that a legal hold is on."""

    id: str
    path: Path
    segments: int
    bytes: int
    start_us: int | None
    end_us: int | None
    held: int


def look_at_lost(conn: sqlite3.Connection, path: Path) -> LostRoot:
    """What would be given up.

    Raises:
        RootError: the catalogue has no root at this path, or its disk is there.
    """
    identity = known_roots(conn).get(str(path))
    if identity is None:
        raise RootError(f"the catalogue has no footage root {path}; nvr roots list shows them")
    if is_mounted(Root(identity, path)):
        raise RootError(f"the disk of footage root {path} is there: nothing of it is given up")
    row = conn.execute(
        "SELECT count(*), coalesce(sum(s.bytes), 0), min(s.start_us), max(s.end_us) FROM segment s"
        " JOIN root r ON r.key = s.root WHERE r.id = ?",
        (identity,),
    ).fetchone()
    # As storage.retention.holds.keeps has it.
    (held,) = conn.execute(
        "SELECT count(*) FROM segment s JOIN root r ON r.key = s.root WHERE r.id = ? AND EXISTS (SELECT 1 FROM hold h"
        " WHERE h.camera = s.camera AND h.released_us IS NULL AND h.start_us <= max(s.start_us, s.end_us - 1)"
        " AND h.end_us > s.start_us)",
        (identity,),
    ).fetchone()
    return LostRoot(identity, path, int(row[0]), int(row[1]), row[2], row[3], held)


def give_up(
    database: Database, lost: LostRoot, *, by: str, now_us: int, progress: Callable[[int], None] = lambda done: None
) -> LostRoot:
    """Enters what the root held as missing, and frees its path for another disk; returns what stays listed.
    Interrupted, it is called again."""
    detail: dict[str, Any] = {
        "reason": "its disk was replaced",
        "root": str(lost.path),
        "by": by,
        "noticed": iso(now_us),
    }
    with database.read() as conn:
        listed = _listed(conn, lost.id)
    done = 0

    def write(conn: sqlite3.Connection, key: Key) -> None:
        nonlocal done
        _enter_missing(conn, key, detail, now_us)
        done += 1
        if done % 1000 == 0:
            progress(done)

    in_slices(database, listed, write)
    with database.write() as conn:
        # Last: until then the path is the lost disk's, and nothing else is taken for it.
        gone = f"{lost.path} (given up {iso(now_us)})"
        conn.execute("UPDATE root SET path = ? WHERE id = ? AND path = ?", (gone, lost.id, str(lost.path)))
    with database.read() as conn:
        left = _listed(conn, lost.id)
    return LostRoot(lost.id, Path(gone), len(left), 0, None, None, len(left))


def _listed(conn: sqlite3.Connection, identity: str) -> list[Key]:
    rows = conn.execute(
        "SELECT c.id, s.start_us, n.id, s.epoch FROM segment s JOIN camera c ON c.key = s.camera"
        " JOIN node n ON n.key = s.node JOIN root r ON r.key = s.root WHERE r.id = ? ORDER BY s.start_us",
        (identity,),
    )
    return [Key(row[0], row[1], row[2], row[3]) for row in rows]


def _enter_missing(conn: sqlite3.Connection, key: Key, detail: dict[str, Any], now_us: int) -> None:
    segment = segments.get(conn, key)
    if segment is None or (segment.growing and now_us - segment.end_us < _STILL_US):
        return
    if holds.keeps(conn, key.camera, key.start_us, segment.end_us):
        return
    segments.discard(conn, key)
    if segment.end_us > key.start_us:
        told = {**detail, "segments": 1, "bytes": segment.bytes}
        for a, b in segment.footage:
            facts.insert(conn, key.camera, Cause.MISSING, a, b, told, node=key.node, epoch=key.epoch)
            told = {**told, "segments": 0, "bytes": 0}
