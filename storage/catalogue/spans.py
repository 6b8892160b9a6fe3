"""Spans: the closed segments of one camera, node and epoch, coalesced and cut at UTC midnights and at holes.

Invariant: the spans of a camera, node and epoch are exactly the union of its closed segments but for their holes.
Segments may overlap (a clock that was set back): what one of them leaves, another may still hold.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from storage.catalogue.database import next_rev
from storage.intervals import DAY_US, Interval, clip, cut_at_days, merge, subtract

__all__ = ["extend", "shrink"]

_SCOPE: Final = (
    "camera = (SELECT key FROM camera WHERE id = :camera) AND node = (SELECT key FROM node WHERE id = :node)"
    " AND epoch = :epoch"
)
_INSERT: Final = (
    "INSERT INTO span (camera, start_us, node, epoch, end_us, segments, bytes, rev) VALUES"
    " ((SELECT key FROM camera WHERE id = :camera), :a, (SELECT key FROM node WHERE id = :node), :epoch, :b,"
    " :segments, :bytes, :rev)"
)


def extend(conn: sqlite3.Connection, key: Mapping[str, Any], footage: Sequence[Interval], bytes_: int) -> None:
    """Adds a closed segment with footage at these times. ``key``: camera, start_us, node, epoch. Its bytes count where
    it starts."""
    rev = next_rev(conn)
    for number, (a, b) in enumerate(part for each in footage for part in cut_at_days(*each)):
        values = {**key, "a": a, "b": b, "rev": rev, "bytes": bytes_ if number == 0 else 0}
        values["segments"] = 1 if number == 0 else 0
        # At midnight a new row begins: length is bounded, and a day can be rolled up or dropped whole.
        extended = conn.execute(
            "UPDATE span SET end_us = :b, segments = segments + :segments, bytes = bytes + :bytes, rev = :rev"
            # Of several that end there (a clock was set back), only one: its bytes count once.
            # The latest first: a camera that loses much has tens of thousands a day.
            f" WHERE {_SCOPE} AND start_us = (SELECT start_us FROM span WHERE {_SCOPE} AND start_us >= :day"
            " AND start_us < :a AND end_us = :a ORDER BY start_us DESC LIMIT 1)",
            {**values, "day": a // DAY_US * DAY_US},
        )
        if not extended.rowcount:
            conn.execute(
                f"{_INSERT} ON CONFLICT DO UPDATE SET end_us = max(end_us, excluded.end_us),"
                " segments = segments + excluded.segments, bytes = bytes + excluded.bytes, rev = excluded.rev",
                values,
            )


def shrink(conn: sqlite3.Connection, key: Mapping[str, Any], end_us: int, longest_us: int) -> None:
    """Takes out a segment whose row is gone: the spans it was part of are recomputed from the segments that are left in
    them. No segment is longer than ``longest_us``."""
    rev = next_rev(conn)
    for piece in cut_at_days(key["start_us"], end_us):
        hull = _overlapping(conn, key, piece)
        conn.execute(
            f"DELETE FROM span WHERE {_SCOPE} AND start_us >= :a AND start_us < :b",
            {**key, "a": hull.start_us, "b": hull.end_us},
        )
        left = conn.execute(
            f"SELECT start_us, end_us, bytes FROM segment WHERE {_SCOPE} AND start_us >= :least AND start_us < :b"
            " AND end_us > :a AND end_us > start_us ORDER BY start_us",
            {**key, "a": hull.start_us, "b": hull.end_us, "least": hull.start_us - longest_us},
        ).fetchall()
        there = defaultdict[int, list[Interval]](list)
        for start_us, a, b in conn.execute(
            f"SELECT start_us, from_us, until_us FROM hole WHERE {_SCOPE} AND start_us >= :least AND start_us < :b"
            " ORDER BY start_us, from_us",
            {**key, "b": hull.end_us, "least": hull.start_us - longest_us},
        ):
            there[start_us].append(Interval(a, b))
        kept = merge(
            part
            for row in left
            for part in clip(subtract(row["start_us"], row["end_us"], there[row["start_us"]]), *hull)
        )
        for a, b in kept:
            inside = [row["bytes"] for row in left if a <= row["start_us"] < b]
            conn.execute(_INSERT, {**key, "a": a, "b": b, "segments": len(inside), "bytes": sum(inside), "rev": rev})


def _overlapping(conn: sqlite3.Connection, key: Mapping[str, Any], piece: Interval) -> Interval:
    """The hull of ``piece`` and of all spans that overlap it or one another, within its day: what must be recomputed
    together, or a segment would be counted in two spans."""
    hull = piece
    while True:
        row = conn.execute(
            "SELECT min(start_us), max(end_us) FROM span"
            f" WHERE {_SCOPE} AND start_us >= :day AND start_us < :b AND end_us > :a",
            {**key, "day": piece.start_us // DAY_US * DAY_US, "a": hull.start_us, "b": hull.end_us},
        ).fetchone()
        if row[0] is None:
            return hull
        wider = Interval(min(hull.start_us, row[0]), max(hull.end_us, row[1]))
        if wider == hull:
            return hull
        hull = wider
