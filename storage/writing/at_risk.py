"""How old the oldest frame is that a power cut would cost now, and how old frames were when a sync made them safe: by
root and recorder process.

Counted on the disk's writing thread, read by any; each process tells the catalogue once a second. Invariant: what is
told is never less than what is so, by the monotonic clock.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

__all__ = ["AtRisk", "Risk", "by_root", "forget_all", "keep_only", "put"]

_WINDOW_S: Final = 300.0
_STEP_S: Final = 10.0
# A process that says nothing for so long is dead: what it left is adopted, and synced with that.
_GONE_US: Final = 60_000_000
_TOLD_US: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class Risk:
    """``oldest_s``: the age of the oldest frame that is not safe, 0 if all are; ``worst_s``: the greatest age that a
    frame which was given to the disk had when it became safe, or has now, in the last five minutes; ``sync_s``: how
    long the latest sync took; ``syncs``: how many there were; ``late``: how often a frame was older than ``limit_s``
    when it became safe."""

    oldest_s: float
    worst_s: float
    sync_s: float
    syncs: int
    late: int
    limit_s: float


class AtRisk:
    """``limit_s``: older than this no frame should become before it is safe. ``unread_s``: so long a frame may have
    waited before it was read."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.unread_s = 0.0
        self.oldest: float | None = None
        """When the oldest frame that was written or queued and is not safe was read, monotonic seconds."""
        self._worst: deque[tuple[float, float]] = deque()
        self._sync_s = 0.0
        self._syncs = 0
        self._late = 0

    def holds(self, read_s: float) -> None:
        """Something that was read then is to be written."""
        if self.oldest is None:
            self.oldest = read_s

    def safe(self, since_s: float, now_s: float) -> None:
        """Frames that were read from ``since_s`` on are safe."""
        age_s = now_s - since_s + self.unread_s
        self._late += age_s > self.limit_s
        worst = self._worst
        if not worst or now_s - worst[-1][0] >= _STEP_S:
            worst.append((now_s, age_s))
        elif age_s > worst[-1][1]:
            worst[-1] = (worst[-1][0], age_s)
        while now_s - worst[0][0] > _WINDOW_S:
            worst.popleft()

    def synced(self, took_s: float) -> None:
        """A sync has ended."""
        self._sync_s = took_s
        self._syncs += 1

    def measure(self, unwritten_s: float | None, now_s: float | None = None) -> Risk:
        """As it is now. ``unwritten_s``: when the oldest frame was read that the disk was not given yet."""
        now_s = time.monotonic() if now_s is None else now_s
        oldest = self.oldest
        if oldest is None or (unwritten_s is not None and unwritten_s < oldest):
            oldest = unwritten_s
        oldest_s = 0.0 if oldest is None else max(0.0, now_s - oldest) + self.unread_s
        worst_s = max((age_s for at_s, age_s in list(self._worst) if now_s - at_s <= _WINDOW_S), default=0.0)
        if self.oldest is not None:
            # A disk that hangs never ends a sync.
            worst_s = max(worst_s, now_s - self.oldest + self.unread_s)
        return Risk(oldest_s, worst_s, self._sync_s, self._syncs, self._late, self.limit_s)


def put(conn: sqlite3.Connection, process: int, risks: Iterable[tuple[str, Risk]], *, at_us: int) -> None:
    """A recorder process tells of its roots, by their identities."""
    conn.execute("DELETE FROM at_risk WHERE updated_us < ?", (at_us - _GONE_US,))
    conn.executemany(
        "INSERT OR REPLACE INTO at_risk (process, root, oldest_us, worst_us, sync_us, syncs, late, limit_us,"
        " updated_us) VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (
                process,
                root,
                *(round(s * 1e6) for s in (risk.oldest_s, risk.worst_s, risk.sync_s)),
                risk.syncs,
                risk.late,
                round(risk.limit_s * 1e6),
                at_us,
            )
            for root, risk in risks
        ],
    )


def forget_all(conn: sqlite3.Connection) -> None:
    """No recorder process is left of those that told."""
    conn.execute("DELETE FROM at_risk")


def keep_only(conn: sqlite3.Connection, processes: Collection[int]) -> None:
    """Of all others nothing is at risk any more: they are dead, and what they left was adopted, and
    synced with that."""
    conn.execute(
        "DELETE FROM at_risk WHERE process NOT IN (SELECT value FROM json_each(?))", (json.dumps(sorted(processes)),)
    )


def by_root(conn: sqlite3.Connection, *, now_us: int) -> dict[str, Risk]:
    """The worst of all processes, and the sums, by root. What a process that hangs holds grows older."""
    found: dict[str, Risk] = {}
    for row in conn.execute(
        "SELECT root, oldest_us, worst_us, sync_us, syncs, late, limit_us, updated_us FROM at_risk"
        " WHERE updated_us >= ? ORDER BY root",
        (now_us - _GONE_US,),
    ):
        since_us = max(0, now_us - row["updated_us"])
        # Each tells once a second: what is younger is as it was told.
        oldest_us = row["oldest_us"] + (since_us if row["oldest_us"] and since_us > _TOLD_US else 0)
        one = Risk(
            oldest_us / 1e6,
            row["worst_us"] / 1e6,
            row["sync_us"] / 1e6,
            row["syncs"],
            row["late"],
            row["limit_us"] / 1e6,
        )
        before = found.get(row["root"])
        if before is not None:
            one = replace(
                one,
                oldest_s=max(one.oldest_s, before.oldest_s),
                worst_s=max(one.worst_s, before.worst_s),
                sync_s=max(one.sync_s, before.sync_s),
                syncs=one.syncs + before.syncs,
                late=one.late + before.late,
            )
        found[row["root"]] = one
    return found
