"""The cameras' own clocks, beside footage: how far each was ahead of its recorder's. Never merged with it.

A row holds for a stretch: it is lengthened as long as what is found agrees with it, so that a clock that keeps time
costs a row an hour of silence, not one a minute. Rows go with the last footage that they could explain.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from storage.intervals import DAY_US

__all__ = ["Sample", "between", "latest", "prune", "record"]

# What agrees: less than a picture lasts.
_SAME_US: Final = 20_000
# What was not looked at for so long may have been otherwise meanwhile.
_UNWATCHED_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """``offset_us``: camera minus recorder, from ``at_us`` to ``until_us`` by the recorder's clock; negative is behind.
    It includes the way through the network. ``uncertainty_us``: how far the readings behind it lay apart. ``source``:
    ``rtcp`` or ``prft``."""

    at_us: int
    until_us: int
    offset_us: int
    uncertainty_us: int
    source: str


_SELECT: Final = "SELECT at_us, until_us, offset_us, uncertainty_us, source FROM clock_sample"
_CAMERA: Final = "camera = (SELECT key FROM camera WHERE id = ?)"


def _sample(row: sqlite3.Row) -> Sample:
    return Sample(row["at_us"], row["until_us"], row["offset_us"], row["uncertainty_us"], row["source"])


def record(conn: sqlite3.Connection, camera: str, sample: Sample, *, node: str) -> None:
    """Enters a sample, or lengthens the last one if it says the same."""
    last = conn.execute(
        f"{_SELECT} WHERE {_CAMERA} AND node = (SELECT key FROM node WHERE id = ?) ORDER BY at_us DESC LIMIT 1",
        (camera, node),
    ).fetchone()
    if (
        last is not None
        and last["source"] == sample.source
        and abs(last["offset_us"] - sample.offset_us) <= _SAME_US
        and last["at_us"] <= sample.at_us <= last["until_us"] + _UNWATCHED_US
    ):
        conn.execute(
            "UPDATE clock_sample SET until_us = max(until_us, ?), uncertainty_us = max(uncertainty_us, ?)"
            f" WHERE {_CAMERA} AND at_us = ? AND node = (SELECT key FROM node WHERE id = ?)",
            (sample.until_us, sample.uncertainty_us, camera, last["at_us"], node),
        )
        return
    conn.execute(
        "INSERT OR REPLACE INTO clock_sample (camera, at_us, node, until_us, offset_us, uncertainty_us, source)"
        " SELECT c.key, ?, n.key, ?, ?, ?, ? FROM camera c, node n WHERE c.id = ? AND n.id = ?",
        (sample.at_us, sample.until_us, sample.offset_us, sample.uncertainty_us, sample.source, camera, node),
    )


def between(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[Sample]:
    """Samples that hold in ``[start_us, end_us)``, and the last one before it, by time."""
    rows = conn.execute(
        f"{_SELECT} WHERE {_CAMERA} AND at_us < ? AND at_us >= coalesce((SELECT max(at_us) FROM clock_sample"
        f" WHERE {_CAMERA} AND at_us <= ?), 0) ORDER BY at_us",
        (camera, end_us, camera, start_us),
    )
    return [_sample(row) for row in rows]


def latest(conn: sqlite3.Connection, camera: str) -> Sample | None:
    """The last sample of a camera."""
    row = conn.execute(f"{_SELECT} WHERE {_CAMERA} ORDER BY at_us DESC LIMIT 1", (camera,)).fetchone()
    return None if row is None else _sample(row)


def prune(conn: sqlite3.Connection, *, now_us: int) -> int:
    """Removes samples from before a camera's oldest footage, and of cameras without any those older than a day; returns
    how many."""
    oldest = conn.execute(
        "SELECT c.key, coalesce((SELECT min(s.start_us) FROM segment s WHERE s.camera = c.key), ?) FROM camera c",
        (now_us - DAY_US,),
    ).fetchall()
    return sum(
        conn.execute(
            "DELETE FROM clock_sample WHERE camera = ?1 AND at_us < ?2 AND until_us < ?2", (camera, at_us)
        ).rowcount
        for camera, at_us in oldest
    )
