"""The recorders' counts as hours: what came since they were last looked at is added to the hour in which that was.

Invariant: between two looks a count is added once, whatever a recorder's start does to it. What a recorder counted in
the minute before its end, and nobody looked at, is in its run's detail only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from storage.catalogue.counters import LEVELS

__all__ = ["HOUR_US", "KEPT_HOURS", "Hour", "HourReading", "add", "added", "prune", "quality", "read"]

HOUR_US: Final = 3_600_000_000
KEPT_HOURS: Final = 92 * 24
"""How many hours back are kept."""

# A recorder reports every second: what it said longer ago is no reading of now.
_FRESH_US: Final = 15_000_000
# Times that a camera's time stamps strayed, stepped or ran at a wrong rate.
_OF_TIME: Final = ("outliers", "camera_clock_steps", "by_arrival")
_SUMS: Final = (
    "recorded_us",
    "bytes",
    "packets",
    "lost_packets",
    "damaged",
    "undecodable",
    "lost_frames",
    "received_bytes",
    "received_us",
)


@dataclass(frozen=True, slots=True)
class HourReading:
    """What a camera's recorder said: its counts (storage/catalogue/counters.py), and whether it records now."""

    counters: Mapping[str, int]
    recording: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """What is added to an hour of the camera with this key. Fields as in the table's columns."""

    camera: int
    recorded_us: int = 0
    bytes: int = 0
    packets: int = 0
    lost_packets: int = 0
    damaged: int = 0
    undecodable: int = 0
    reconnects: int = 0
    jitter_sum_us: int = 0
    jitter_readings: int = 0
    jitter_most_us: int = 0
    lost_frames: int = 0
    time_faults: int = 0
    keyframe_most_us: int = 0
    received_bytes: int = 0
    received_us: int = 0


def read(conn: sqlite3.Connection, *, now_us: int) -> dict[int, HourReading]:
    """What every camera's recorder says now, by the camera's key."""
    rows = conn.execute("SELECT camera, state, updated_us, counters FROM status")
    return {
        row["camera"]: HourReading(
            json.loads(row["counters"]), row["state"] == "recording" and now_us - row["updated_us"] < _FRESH_US
        )
        for row in rows
    }


def added(camera: int, then: HourReading, now: HourReading) -> Hour | None:
    """What came between two looks; None if nothing did. Pure."""
    before: Mapping[str, int] = then.counters
    if any(now.counters.get(name, 0) < count for name, count in before.items() if name not in LEVELS):
        # Another recorder took the camera and counts from zero.
        before = {}
    more = {name: now.counters.get(name, 0) - before.get(name, 0) for name in _SUMS}
    reconnects = max(1, now.counters.get("connections", 0)) - max(1, before.get("connections", 0))
    # One reading a look: the mean of the time since the last one. Where no arrival was seen there is none.
    seen = now.counters.get("jitter_readings", 0) - before.get("jitter_readings", 0)
    jitter_us = (now.counters.get("jitter_sum_us", 0) - before.get("jitter_sum_us", 0)) // seen if seen else 0
    time_faults = sum(now.counters.get(name, 0) - before.get(name, 0) for name in _OF_TIME)
    keyframe_us = now.counters.get("keyframe_interval_us", 0) if now.recording and more["recorded_us"] else 0
    if not (seen or reconnects or time_faults or any(more.values())):
        return None
    return Hour(
        camera,
        **more,
        reconnects=reconnects,
        jitter_sum_us=jitter_us,
        jitter_readings=int(seen > 0),
        jitter_most_us=jitter_us,
        time_faults=time_faults,
        keyframe_most_us=keyframe_us,
    )


_ADD: Final = """INSERT INTO network_hour (hour, camera, recorded_us, bytes, packets, lost_packets, damaged,
undecodable, reconnects, jitter_sum_us, jitter_readings, jitter_most_us, lost_frames, time_faults,
keyframe_most_us, received_bytes, received_us)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (hour, camera) DO UPDATE SET
recorded_us = recorded_us + excluded.recorded_us, bytes = bytes + excluded.bytes, packets = packets + excluded.packets,
lost_packets = lost_packets + excluded.lost_packets,
damaged = damaged + excluded.damaged, undecodable = undecodable + excluded.undecodable,
reconnects = reconnects + excluded.reconnects, jitter_sum_us = jitter_sum_us + excluded.jitter_sum_us,
jitter_readings = jitter_readings + excluded.jitter_readings,
jitter_most_us = max(jitter_most_us, excluded.jitter_most_us),
lost_frames = lost_frames + excluded.lost_frames, time_faults = time_faults + excluded.time_faults,
keyframe_most_us = max(keyframe_most_us, excluded.keyframe_most_us),
received_bytes = received_bytes + excluded.received_bytes,
received_us = received_us + excluded.received_us"""


def add(conn: sqlite3.Connection, hours: Iterable[Hour], *, now_us: int) -> None:
    """Adds to the hour of ``now_us``."""
    hour = now_us // HOUR_US
    conn.executemany(
        _ADD,
        [
            (
                hour,
                h.camera,
                h.recorded_us,
                h.bytes,
                h.packets,
                h.lost_packets,
                h.damaged,
                h.undecodable,
                h.reconnects,
                h.jitter_sum_us,
                h.jitter_readings,
                h.jitter_most_us,
                h.lost_frames,
                h.time_faults,
                h.keyframe_most_us,
                h.received_bytes,
                h.received_us,
            )
            for h in hours
        ],
    )


def quality(conn: sqlite3.Connection, hour: int) -> dict[str, tuple[int, int, int, int]]:
    """Of each camera, by its id, in that hour: lost frames, time faults, how far keyframes lay apart at most (µs), and
    in a mean hour of the day before (0: not known)."""
    rows = conn.execute(
        "SELECT c.id, h.lost_frames, h.time_faults, h.keyframe_most_us, coalesce((SELECT avg(b.keyframe_most_us)"
        " FROM network_hour b"
        " WHERE b.camera = h.camera AND b.hour >= h.hour - 24 AND b.hour < h.hour AND b.keyframe_most_us > 0), 0)"
        " FROM network_hour h JOIN camera c ON c.key = h.camera WHERE h.hour = ?",
        (hour,),
    )
    return {row[0]: (row[1], row[2], row[3], round(row[4])) for row in rows}


def prune(conn: sqlite3.Connection, *, now_us: int) -> None:
    """Removes what is older than ``KEPT_HOURS``."""
    conn.execute("DELETE FROM network_hour WHERE hour < ?", (now_us // HOUR_US - KEPT_HOURS,))
