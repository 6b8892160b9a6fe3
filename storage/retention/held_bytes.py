"""How much footage holds keep, in bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from storage.catalogue.segments import LONGEST_SEGMENT_US
from storage.intervals import DAY_US, Interval, merge
from storage.retention.holds import Hold, Ranges, active

__all__ = ["bytes_in", "held", "kept_bytes"]


def bytes_in(conn: sqlite3.Connection, camera: int, ranges: Ranges) -> int:
    """Bytes of a camera's closed segments that the merged ``ranges`` touch. Of whole days from the spans, which are a
    few a day and count a segment where it starts: a camera may be held for years."""

    def starting(from_us: int, until_us: int, after_us: int) -> int:
        row = conn.execute(
            "SELECT coalesce(sum(bytes), 0) FROM segment WHERE camera = ? AND start_us >= ? AND start_us < ?"
            " AND end_us IS NOT NULL AND max(start_us, end_us - 1) >= ?",
            (camera, from_us, until_us, after_us),
        ).fetchone()
        return int(row[0])

    total, before_us = 0, 0
    for start_us, end_us in ranges:
        # One that begins before the end of the range before was counted with that.
        total += starting(max(before_us, start_us - LONGEST_SEGMENT_US), start_us, start_us)
        first_us, last_us = -(-start_us // DAY_US) * DAY_US, end_us // DAY_US * DAY_US
        if first_us < last_us:
            row = conn.execute(
                "SELECT coalesce(sum(bytes), 0) FROM span WHERE camera = ? AND start_us >= ? AND start_us < ?",
                (camera, first_us, last_us),
            ).fetchone()
            total += starting(start_us, first_us, start_us) + int(row[0]) + starting(last_us, end_us, start_us)
        else:
            total += starting(start_us, end_us, start_us)
        before_us = end_us
    return total


def kept_bytes(conn: sqlite3.Connection, *, now_us: int, more: Sequence[tuple[str, int, int]] = ()) -> int:
    """What all holds keep, and ``more`` (cameras and ranges), once their ranges are over: what is there, and what each
    camera records in a day, as in the last one, of what is to come."""
    ranges: dict[str, list[tuple[int, int]]] = active(conn)
    for camera, start_us, end_us in more:
        merged = merge(Interval(a, b) for a, b in [*ranges.get(camera, []), (start_us, end_us)])
        ranges[camera] = [(part.start_us, part.end_us) for part in merged]
    total = 0
    for camera, theirs in ranges.items():
        row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
        if row is None:
            continue  # whoever places it will be told
        total += bytes_in(conn, row[0], theirs)
        to_come_us = sum(max(0, end_us - max(start_us, now_us)) for start_us, end_us in theirs)
        if to_come_us:
            total += bytes_in(conn, row[0], [(now_us - DAY_US, now_us)]) * to_come_us // DAY_US
    return total


def held(conn: sqlite3.Connection, hold: Hold) -> tuple[int, int]:
    """Closed segments that the hold touches, and their bytes."""
    row = conn.execute(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM segment WHERE camera = (SELECT key FROM camera WHERE id = ?)"
        " AND start_us >= ? AND start_us < ? AND max(start_us, end_us - 1) >= ?",
        (hold.camera, hold.start_us - LONGEST_SEGMENT_US, hold.end_us, hold.start_us),
    ).fetchone()
    return int(row[0]), int(row[1])
