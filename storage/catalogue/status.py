"""What each camera's recorder does now, one row a camera; and for whom it is to be quick, since somebody watches live.
The API says that again and again: what was not said for some seconds is over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.catalogue.rows import value_lists
from storage.causes import Cause

__all__ = ["Status", "find", "list_all", "put", "put_watched", "rest", "watched"]


@dataclass(frozen=True, slots=True)
class Status:
    """``state`` is ``recording`` (fragments are being written), ``waiting`` (trying, for ``cause``) or ``off`` (not
    meant to record, for ``cause``). ``recorded_until_us`` is the end of the last fragment written, ever. ``counters``:
    those of storage/catalogue/counters.py, since the camera's recorder took it."""

    camera: str
    state: str
    since_us: int
    cause: Cause | None = None
    detail: Mapping[str, Any] | None = None
    recorded_until_us: int | None = None
    init: str | None = None
    bitrate_bps: int | None = None
    frame_rate: float | None = None
    updated_us: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)


def put(conn: sqlite3.Connection, statuses: Iterable[Status]) -> None:
    """Writes statuses. A ``recorded_until_us`` of None leaves the known one: that a camera waits does not
    undo footage."""
    rows = [
        (
            s.camera,
            s.state,
            s.since_us,
            s.cause,
            json.dumps(dict(s.detail)) if s.detail else "{}",
            s.recorded_until_us,
            s.init,
            s.bitrate_bps,
            s.frame_rate,
            s.updated_us,
            json.dumps(dict(s.counters)),
        )
        for s in statuses
    ]
    for values, part in value_lists(rows):
        conn.execute(
            "WITH given (id, state, since_us, cause, detail, recorded_until_us, init, bitrate_bps, frame_rate,"
            f" updated_us, counters) AS ({values})"
            " INSERT INTO status (camera, state, since_us, cause, detail, recorded_until_us, init, bitrate_bps,"
            " frame_rate, updated_us, counters) SELECT camera.key, state, since_us, cause, detail, recorded_until_us,"
            " init, bitrate_bps, frame_rate, updated_us, counters FROM given CROSS JOIN camera USING (id) WHERE true"
            " ON CONFLICT (camera) DO UPDATE SET state=excluded.state, since_us=excluded.since_us,"
            " cause=excluded.cause, detail=excluded.detail,"
            " recorded_until_us=coalesce(excluded.recorded_until_us, recorded_until_us),"
            " init=coalesce(excluded.init, init), bitrate_bps=excluded.bitrate_bps, frame_rate=excluded.frame_rate,"
            " updated_us=excluded.updated_us, counters=excluded.counters",
            part,
        )


def _status(row: sqlite3.Row) -> Status:
    return Status(
        row["camera"],
        row["state"],
        row["since_us"],
        None if row["cause"] is None else Cause(row["cause"]),
        json.loads(row["detail"]),
        row["recorded_until_us"],
        row["init"],
        row["bitrate_bps"],
        row["frame_rate"],
        row["updated_us"],
        json.loads(row["counters"]),
    )


_SELECT = """SELECT c.id AS camera, s.state, s.since_us, s.cause, s.detail, s.recorded_until_us, s.init,
s.bitrate_bps, s.frame_rate, s.updated_us, s.counters FROM status s JOIN camera c ON c.key = s.camera"""


def find(conn: sqlite3.Connection, camera: str) -> Status | None:
    """The status of one camera; None if no recorder ever reported it."""
    row = conn.execute(f"{_SELECT} WHERE c.id = ?", (camera,)).fetchone()
    return None if row is None else _status(row)


def list_all(conn: sqlite3.Connection) -> dict[str, Status]:
    """The status of every camera that has one, by camera id."""
    return {row["camera"]: _status(row) for row in conn.execute(_SELECT)}


def rest(conn: sqlite3.Connection, camera: str, cause: Cause, *, recorded_until_us: int | None, at_us: int) -> None:
    """No recorder runs for the camera; its footage ends where its files say, whatever was last reported."""
    conn.execute(
        "UPDATE status SET state = 'waiting', since_us = coalesce(?, since_us), cause = ?, detail = '{}',"
        " recorded_until_us = ?, bitrate_bps = NULL, frame_rate = NULL, updated_us = ?"
        " WHERE camera = (SELECT key FROM camera WHERE id = ?)",
        (recorded_until_us, cause, recorded_until_us, at_us, camera),
    )


def put_watched(conn: sqlite3.Connection, cameras: Collection[str], *, until_us: int, now_us: int) -> None:
    """These are watched until then, and no others; ids that the catalogue does not know are passed over."""
    given = json.dumps(sorted(cameras))
    conn.execute("DELETE FROM watched WHERE until_us < ?", (now_us,))
    conn.execute(
        "DELETE FROM watched WHERE camera NOT IN"
        " (SELECT camera.key FROM camera JOIN json_each(?) AS given ON camera.id = given.value)",
        (given,),
    )
    conn.execute(
        "INSERT INTO watched (camera, until_us) SELECT camera.key, ? FROM camera JOIN json_each(?) AS given"
        " ON camera.id = given.value WHERE true ON CONFLICT (camera) DO UPDATE SET until_us = excluded.until_us",
        (until_us, given),
    )


def watched(conn: sqlite3.Connection, now_us: int) -> frozenset[str]:
    """The cameras that are watched now."""
    rows = conn.execute(
        "SELECT camera.id FROM watched JOIN camera ON camera.key = watched.camera WHERE until_us > ?", (now_us,)
    )
    return frozenset(row["id"] for row in rows)
