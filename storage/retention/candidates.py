"""The state that retention plans with, out of the catalogue: read lazily, so that a city's month costs what can go, not
what there is.

Invariant: what a stream leaves out is held.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Final

from storage.catalogue import cameras
from storage.catalogue.segments import LONGEST_SEGMENT_US, Key
from storage.intervals import Interval, merge
from storage.retention import held_bytes, holds, leases, misdated
from storage.retention.plan import Candidate, Footage
from storage.retention.policies import Policy, Rules, own_rules, resolve

__all__ = ["beyond", "load", "policies"]

# Rows of one question: few at first, since mostly nothing is due.
_CHUNKS: Final = (2, 16, 128, 1024)


def policies(conn: sqlite3.Connection, rules: Rules, own: Mapping[str, Policy] | None = None) -> dict[str, Policy]:
    """The policy of every camera, removed ones included. ``own`` takes the place of cameras' own rules."""
    changed = own or {}
    return {
        camera.id: resolve(changed.get(camera.id, own_rules(camera.settings)), camera.labels, rules)
        for camera in cameras.list_all(conn, removed=True)
    }


def load(conn: sqlite3.Connection, policy_of: Mapping[str, Policy], *, now_us: int) -> list[Footage]:
    """The footage of every camera that has a policy. To be used up within the read transaction that it
    was loaded in."""
    keys = {row["id"]: row["key"] for row in conn.execute("SELECT key, id FROM camera ORDER BY id")}
    nodes = {row["key"]: str(row["id"]) for row in conn.execute("SELECT key, id FROM node")}
    roots = {row["key"]: str(row["id"]) for row in conn.execute("SELECT key, id FROM root")}
    totals: dict[int, int] = {}
    if any(policy.max_bytes is not None for policy in policy_of.values()):
        totals = dict(conn.execute("SELECT camera, sum(bytes) FROM span GROUP BY camera").fetchall())
    given_up: dict[int, dict[str, int]] = {}
    for camera, root, bytes_ in conn.execute("SELECT camera, root, sum(bytes) FROM garbage GROUP BY camera, root"):
        given_up.setdefault(camera, {})[roots[root]] = bytes_
    held, leased = holds.active(conn), leases.active(conn, now_us)
    ages = {id_: policy.max_age_us for id_, policy in policy_of.items()}
    wrongly_old = misdated.ranges(conn, {id_: now_us - age for id_, age in ages.items() if age is not None})
    found = []
    for id_, key in keys.items():
        if id_ not in policy_of:
            continue
        policy, ranges = policy_of[id_], held.get(id_, [])
        # Neither goes; but only what is held is overdue, and takes no room.
        stays = ranges if id_ not in wrongly_old else _joined(ranges, wrongly_old[id_])

        def candidate(row: tuple[int, int, int, int, int, int], id_: str = id_) -> Candidate:
            return Candidate(Key(id_, row[0], nodes[row[1]], row[2]), row[3], row[4], roots[row[5]])

        due_us = None if policy.max_age_us is None else now_us - policy.max_age_us
        found.append(
            Footage(
                id_,
                policy,
                _segments(conn, key, stays, candidate),
                totals.get(key, 0),
                stays,
                given_up.get(key, {}),
                0 if due_us is None else _overdue(conn, key, ranges, due_us),
                leased.get(id_, ()),
                0 if policy.max_bytes is None else held_bytes.bytes_in(conn, key, ranges),
            )
        )
    return found


def beyond(conn: sqlite3.Connection, policy_of: Mapping[str, Policy]) -> dict[str, int]:
    """Bytes that cameras have beyond their ``max_bytes`` because of holds; of those alone that have any."""
    found = {}
    for id_, ranges in holds.active(conn).items():
        policy = policy_of.get(id_)
        if policy is None or policy.max_bytes is None:
            continue
        key, total = conn.execute(
            "SELECT c.key, coalesce((SELECT sum(bytes) FROM span WHERE camera = c.key), 0) FROM camera c"
            " WHERE c.id = ?",
            (id_,),
        ).fetchone()
        footage = Footage(id_, policy, bytes=total, held_bytes=held_bytes.bytes_in(conn, key, ranges))
        if footage.beyond:
            found[id_] = footage.beyond
    return found


def _joined(one: holds.Ranges, other: holds.Ranges) -> list[tuple[int, int]]:
    return [(a, b) for a, b in merge(Interval(*pair) for pair in (*one, *other))]


def _segments(
    conn: sqlite3.Connection,
    camera: int,
    held: holds.Ranges,
    candidate: Callable[[tuple[int, int, int, int, int, int]], Candidate],
) -> Iterator[Candidate]:
    """A camera's closed segments that no hold touches, by start. What begins within a hold is not even looked at: a
    camera may be held for years."""
    from_us = 0
    for start_us, end_us in chain(held, [(1 << 62, 1 << 62)]):
        after = (from_us, -1, -1)
        number = 0
        while True:
            most = _CHUNKS[min(number, len(_CHUNKS) - 1)]
            # Plain tuples: this is the innermost loop of a city's plan.
            cursor = conn.cursor()
            cursor.row_factory = None
            rows = cursor.execute(
                "SELECT start_us, node, epoch, end_us, bytes, root FROM segment WHERE camera = ?"
                " AND (start_us, node, epoch) > (?, ?, ?) AND start_us < ? AND end_us IS NOT NULL"
                " ORDER BY start_us, node, epoch LIMIT ?",
                (camera, *after, start_us, most),
            ).fetchall()
            for row in rows:
                if row[3] <= start_us:
                    yield candidate(row)
            if len(rows) < most:
                break
            after = rows[-1][:3]
            number += 1
        from_us = end_us


def _overdue(conn: sqlite3.Connection, camera: int, held: holds.Ranges, due_us: int) -> int:
    """Held segments that end by ``due_us``: those that the stream leaves out."""
    count, before_us = 0, 0
    for start_us, end_us in held:
        # One that begins before the end of the hold before was counted with that.
        row = conn.execute(
            "SELECT count(*) FROM segment WHERE camera = ? AND start_us >= ? AND start_us < ? AND end_us <= ?"
            " AND max(start_us, end_us - 1) >= ?",
            (camera, max(before_us, start_us - LONGEST_SEGMENT_US), min(end_us, due_us + 1), due_us, start_us),
        ).fetchone()
        count += int(row[0])
        before_us = end_us
    return count
