"""Will the disks keep what ``min_age`` promises? Pure, but for measuring what is recorded.

Model: the roots are one pool, as new segments go wherever there is room. A camera records as it did over the last day.
Footage that is not protected gives way, so room runs out when what ``min_age`` and holds protect no longer fits. Then
the least important cameras give up first; those of one priority reach the same age, since the oldest footage goes
first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from storage.catalogue import cameras
from storage.catalogue.segments import LONGEST_SEGMENT_US
from storage.intervals import DAY_US
from storage.retention import holds
from storage.retention.plan import Disk
from storage.retention.policies import Policy

__all__ = ["Forecast", "Miss", "Recorded", "capacity", "forecast", "measure"]

_WINDOW_US: Final = DAY_US


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a camera records: bytes a second over the last day, priority (lower gives up first), promise, when its
    oldest footage begins and its newest ends (None: it has none), and the bytes that holds keep beyond the promise."""

    camera: str
    bytes_per_s: float
    min_age_us: int | None
    priority: int = 0
    oldest_us: int | None = None
    held_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Miss:
    """A promise that can't be kept: from ``at_us`` on the camera's footage reaches back no further than
    ``reachable_us``."""

    camera: str
    min_age_us: int
    reachable_us: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """``capacity_bytes``: what footage may take. ``needed_bytes``: what all promises and holds take once each camera
    has reached its min_age. ``full_us``: when they no longer fit; None: they do."""

    capacity_bytes: int
    needed_bytes: int
    bytes_per_s: float
    full_us: int | None
    misses: Sequence[Miss]


def forecast(fleet: Sequence[Recorded], capacity_bytes: int, *, now_us: int) -> Forecast:
    """Which cameras will miss their ``min_age``, and when, if nothing changes. Pure."""
    held = sum(camera.held_bytes for camera in fleet)
    promised = [c for c in fleet if c.min_age_us is not None and c.bytes_per_s > 0]
    needed = held + round(sum(c.bytes_per_s * (c.min_age_us or 0) / 1e6 for c in promised))
    rate = sum(camera.bytes_per_s for camera in fleet)
    if needed <= capacity_bytes:
        return Forecast(capacity_bytes, needed, rate, None, [])
    full_us = _full_us(promised, capacity_bytes - held, now_us)
    left = float(capacity_bytes - held)
    misses: list[Miss] = []
    by_importance = sorted(promised, key=lambda c: (-c.priority, c.camera))
    for _, group in groupby(by_importance, key=lambda c: c.priority):
        peers = list(group)
        age_us = _common_age_us(peers, max(left, 0.0))
        left -= sum(c.bytes_per_s * min(c.min_age_us or 0, age_us) / 1e6 for c in peers)
        misses += [
            Miss(c.camera, c.min_age_us, round(age_us), full_us)
            for c in peers
            if c.min_age_us is not None and age_us < c.min_age_us - 1
        ]
    return Forecast(capacity_bytes, needed, rate, full_us, sorted(misses, key=lambda miss: miss.camera))


def _common_age_us(peers: Sequence[Recorded], bytes_: float) -> float:
    """The age that cameras reach which share ``bytes_``: those that promise less need no more than that."""
    rate = sum(c.bytes_per_s for c in peers)
    reached = 0.0
    for camera in sorted(peers, key=lambda c: c.min_age_us or 0):
        step_us = (camera.min_age_us or 0) - reached
        if rate * step_us / 1e6 > bytes_:
            return reached + bytes_ / rate * 1e6
        bytes_ -= rate * step_us / 1e6
        reached += step_us
        rate -= camera.bytes_per_s
    return reached


def _full_us(promised: Sequence[Recorded], room: float, now_us: int) -> int:
    """When the protected footage, which grows until each camera has reached its promise, exceeds ``room``."""
    used, rate = 0.0, 0.0
    ripe: list[tuple[int, float]] = []
    for camera in promised:
        age_us = 0 if camera.oldest_us is None else max(0, now_us - camera.oldest_us)
        wanted_us = camera.min_age_us or 0
        used += camera.bytes_per_s * min(age_us, wanted_us) / 1e6
        if age_us < wanted_us:
            rate += camera.bytes_per_s
            ripe.append((now_us + wanted_us - age_us, camera.bytes_per_s))
    at_us = now_us
    if used >= room:
        return now_us
    for until_us, share in sorted(ripe):
        if used + rate * (until_us - at_us) / 1e6 >= room:
            break
        used += rate * (until_us - at_us) / 1e6
        at_us, rate = until_us, rate - share
    return at_us + round((room - used) / rate * 1e6) if rate > 0 else at_us


def capacity(disks: Iterable[Disk], recorded_bytes: int) -> int:
    """What footage may take of the disks that are there: what it takes now, and what is free beyond their
    floors. Pure."""
    return max(0, recorded_bytes + sum(disk.free_bytes - disk.floor_bytes for disk in disks))


def measure(conn: sqlite3.Connection, policy_of: Mapping[str, Policy], *, now_us: int) -> tuple[list[Recorded], int]:
    """What each camera that is recorded now records, and the bytes of all closed footage. From spans: a city's month is
    half a million."""
    known = {camera.id: camera for camera in cameras.list_all(conn, removed=True)}
    since_us = now_us - _WINDOW_US
    held = _held_beyond(conn, policy_of, now_us)
    rows = conn.execute(
        "SELECT c.id, min(s.start_us) AS oldest, sum(s.bytes) AS bytes,"
        " sum(CASE WHEN s.end_us > :since AND s.start_us < :now THEN"
        "  s.bytes * (min(s.end_us, :now) - max(s.start_us, :since)) * 1.0 / (s.end_us - s.start_us) END) AS lately,"
        " min(CASE WHEN s.end_us > :since AND s.start_us < :now THEN max(s.start_us, :since) END) AS first,"
        " max(CASE WHEN s.end_us > :since AND s.start_us < :now THEN min(s.end_us, :now) END) AS last"
        " FROM span s JOIN camera c ON c.key = s.camera GROUP BY s.camera",
        {"since": since_us, "now": now_us},
    ).fetchall()
    found, total = [], 0
    for row in rows:
        total += row["bytes"]
        camera = known[row["id"]]
        rate = 0.0 if row["lately"] is None else row["lately"] / (row["last"] - row["first"]) * 1e6
        found.append(
            Recorded(
                camera.id,
                0.0 if camera.removed_us is not None else rate,
                policy_of[camera.id].min_age_us,
                int(camera.settings.get("priority") or 0),
                row["oldest"],
                held.get(camera.id, 0),
            )
        )
    return found, total


def _held_beyond(conn: sqlite3.Connection, policy_of: Mapping[str, Policy], now_us: int) -> dict[str, int]:
    """Bytes that holds keep and ``min_age`` does not (any more)."""
    found: dict[str, int] = {}
    for camera, ranges in holds.active(conn).items():
        before_us = now_us - (policy_of[camera].min_age_us or 0)
        for start_us, end_us in ranges:
            row = conn.execute(
                "SELECT coalesce(sum(bytes), 0) FROM segment WHERE camera = (SELECT key FROM camera WHERE id = ?)"
                " AND start_us >= ? AND start_us < ? AND end_us <= ? AND max(start_us, end_us - 1) >= ?",
                (camera, start_us - LONGEST_SEGMENT_US, end_us, before_us, start_us),
            ).fetchone()
            found[camera] = found.get(camera, 0) + int(row[0])
    return found
