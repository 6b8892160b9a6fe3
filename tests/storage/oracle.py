"""Coverage of one camera the plain way, fact by fact: what the engine for fleets must come to, camera by camera."""

from __future__ import annotations

import json
import sqlite3

from storage.catalogue import facts, segments
from storage.coverage.clock_steps import clock_steps
from storage.coverage.one_camera import Coverage, Gap
from storage.coverage.original_causes import attribute
from storage.coverage.partition import partition
from storage.coverage.pending import pending
from storage.intervals import DAY_US, Interval, merge

__all__ = ["coverage", "known_until", "spans_between"]


def coverage(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, *, now_us: int) -> Coverage:
    """Coverage of ``[start_us, end_us)`` as known at ``now_us``.

    Raises:
        KeyError: there never was such a camera.
        ValueError: the range is empty or reversed.
    """
    if end_us <= start_us:
        raise ValueError("the range is empty: end must be after start")
    if not conn.execute("SELECT 1 FROM camera WHERE id = ?", (camera,)).fetchone():
        raise KeyError(camera)
    as_of_us = min(end_us, known_until(conn, camera, now_us))
    if as_of_us <= start_us:
        return Coverage(camera, start_us, end_us, max(as_of_us, start_us), (), ())
    footage = spans_between(conn, camera, start_us, as_of_us)
    known = facts.between(conn, camera, start_us, as_of_us)
    spans, caused = partition(
        start_us, as_of_us, footage, [(f.start_us, f.end_us, f.cause) for f in known], [f.layer for f in known]
    )
    beside = attribute(caused, known)
    gaps = []
    for part, also in zip(caused, beside, strict=True):
        fact = known[part.fact] if part.fact >= 0 else None
        is_open = part.end_us == as_of_us and as_of_us < end_us and fact is not None and fact.end_us is None
        gaps.append(Gap(part.start_us, part.end_us, part.cause, is_open, fact, also))
    return Coverage(
        camera, start_us, end_us, as_of_us, spans, gaps, tuple(clock_steps(conn, camera, start_us, as_of_us))
    )


def known_until(conn: sqlite3.Connection, camera: str, now_us: int) -> int:
    """Until when the story of a camera is told. While it records, the end of its last fragment: what the camera sends
    now is neither lost nor on disk yet. Otherwise the recorder's open fact holds until now. Nothing is told of what is
    being written and not listed yet."""
    key = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    known = pending(conn, {"keys": json.dumps([key[0]])}, now_us) if key is not None else {}
    return min(known.get(0, now_us), _told_until(conn, camera, now_us))


def _told_until(conn: sqlite3.Connection, camera: str, now_us: int) -> int:
    if facts.open_fact(conn, camera) is not None:
        return now_us
    # Not the last footage of all: a clock that once ran ahead has left some in the future.
    grown_us = [segment.end_us for segment in segments.growing(conn, camera)]
    told_us = max(grown_us, default=None) or facts.story_end(conn, camera, now_us)
    return now_us if told_us is None else min(told_us, now_us)


def spans_between(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[Interval]:
    """Footage of one camera in ``[start_us, end_us)`` as sorted disjoint intervals, the growing segment included, not
    cut to the range."""
    key = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if key is None:
        return []
    rows = conn.execute(
        "SELECT start_us, end_us FROM span WHERE camera = ? AND start_us >= ? AND start_us < ? AND end_us > ?",
        (key[0], start_us - DAY_US, end_us, start_us),
    ).fetchall()
    open_ones = [part for segment in segments.growing(conn, camera) for part in segment.footage]
    return merge([*(Interval(row[0], row[1]) for row in rows), *open_ones])
