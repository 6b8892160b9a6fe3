"""Deleting a range of a camera's footage by a person's decision: a dry run, then exactly that.

Files go whole: every closed segment that the range touches. Held segments stay and are named; a growing one can't go
yet. Invariant: nothing is deleted but the segments whose hash the person confirmed, and the ledger keeps who and why.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage.catalogue import audit, segments
from storage.catalogue.actors import Actor
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.catalogue.slices import in_slices
from storage.causes import Cause
from storage.intervals import Interval, merge
from storage.retention import deleting as garbage
from storage.retention import holds
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, many_lines
from storage.times import iso

__all__ = ["DeletionError", "DeletionPlan", "delete", "plan"]


class DeletionError(ValueError):
    """The deletion can't be done like this; the message says why."""


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """``ranges``: what would be gone, which may reach beyond what was asked; ``held``: segments that a hold keeps;
    ``growing``: one is still being written and stays."""

    camera: str
    keys: Sequence[Key]
    bytes: int
    ranges: Sequence[Interval]
    held: int
    growing: bool

    @property
    def hash(self) -> str:
        """SHA-256 of the segments, hexadecimal."""
        text = "\n".join(f"{key.start_us}\t{key.node}\t{key.epoch}" for key in self.keys)
        return hashlib.sha256(f"{self.camera}\n{text}".encode()).hexdigest()


def plan(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> DeletionPlan:
    """What deleting ``[start_us, end_us)`` would take.

    Raises:
        KeyError: there never was such a camera.
        DeletionError: the range is empty.
    """
    if end_us <= start_us:
        raise DeletionError(Sentence("the range is empty: end must be after start"))
    if conn.execute("SELECT 1 FROM camera WHERE id = ?", (camera,)).fetchone() is None:
        raise KeyError(camera)
    keep = holds.active(conn).get(camera, [])
    found = [s for s in segments.between(conn, camera, start_us, end_us) if s.end_us > start_us]
    closed = [s for s in found if not s.growing]
    going = [s for s in closed if not holds.touches(s.key.start_us, s.end_us, keep)]
    return DeletionPlan(
        camera,
        [s.key for s in going],
        sum(s.bytes for s in going),
        merge(Interval(s.key.start_us, s.end_us) for s in going),
        len(closed) - len(going),
        len(found) > len(closed),
    )


def delete(
    database: Database,
    camera: str,
    start_us: int,
    end_us: int,
    *,
    confirmed: str,
    reason: str,
    by: Actor,
    now_us: int,
) -> DeletionPlan:
    """Deletes what the plan of this hash said, slice by slice; the housekeeping process removes the files. What a hold
    has come to keep since stays. The entry of the audit log comes first: if the server is killed meanwhile, the ledger
    has what went by then.

    Raises:
        KeyError: there never was such a camera.
        DeletionError: the reason is missing, or the plan is another by now.
    """
    try:
        reason = many_lines(Sentence("the reason"), reason)
    except TextError as error:
        raise DeletionError(
            Sentence("{error}; a deletion needs one: it stays in the ledger", error=sentence_of(error))
        ) from None
    with database.read() as conn:
        found = plan(conn, camera, start_us, end_us)
    if found.hash != confirmed:
        raise DeletionError(Sentence("what would be deleted is no longer what was shown: look at it again"))
    detail = {"reason": reason, "by": by.name}
    told = [{"start": iso(a), "end": iso(b)} for a, b in found.ranges[:50]]

    def enter(conn: sqlite3.Connection) -> None:
        audit.append(
            conn,
            "footage_deleted",
            camera=camera,
            detail={"reason": reason, "ranges": told, "segments": len(found.keys), "bytes": found.bytes},
        )

    def discard(conn: sqlite3.Connection, key: Key) -> None:
        garbage.discard(conn, [key], cause=Cause.DELETED, detail=detail, now_us=now_us)

    in_slices(database, found.keys, discard, first=enter)
    return found
