"""What the network carried, lost and delayed: figures per camera or label value over time, from ``network_hour``.

Invariant: hours are whole and belong to the part of the range in which they begin, so that the sums over the parts are
those over the range.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from nvr.network.hours import HOUR_US
from storage.catalogue import cameras
from storage.catalogue.selection import Selection, Spellings, ensure_label, named, select

__all__ = ["NetworkFigures", "NetworkPart", "Step", "edges", "groups", "known_rates", "measure"]

Step = Literal["total", "day", "hour"]

# So much is summed at once: SQLite sorts it by camera in memory.
_CHUNK_HOURS: Final = 24
# So far back a camera's rate is the mean of.
_RATES_US: Final = 7 * 86_400_000_000

_SUMS: Final = """SELECT camera, sum(recorded_us), sum(bytes), sum(packets), sum(lost_packets), sum(damaged),
sum(undecodable), sum(reconnects), sum(jitter_sum_us), sum(jitter_readings),
max(jitter_most_us), sum(lost_frames), sum(time_faults), max(keyframe_most_us),
-- In hours before what is received was counted, footage is all there is to go by.
sum(CASE WHEN received_us > 0 THEN received_bytes ELSE bytes END),
sum(CASE WHEN received_us > 0 THEN received_us ELSE recorded_us END)
FROM network_hour WHERE hour >= ? AND hour < ? GROUP BY camera"""


@dataclass(slots=True)
class NetworkFigures:
    """Sums over cameras and hours; ``cameras``: those that there are figures of."""

    cameras: set[int] = field(default_factory=set)
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

    @property
    def bitrate_bps(self) -> float | None:
        """Bits a second that came of one camera while it sent, whatever became footage of them; None: nothing did."""
        return self.received_bytes * 8e6 / self.received_us if self.received_us else None

    @property
    def loss(self) -> float | None:
        """The share of packets that did not come, 0 to 1; None: none was counted."""
        sent = self.packets + self.lost_packets
        return self.lost_packets / sent if sent else None

    @property
    def jitter_us(self) -> float | None:
        """The mean of the readings of interarrival jitter, microseconds; None: there is none."""
        return self.jitter_sum_us / self.jitter_readings if self.jitter_readings else None


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """The figures of one group in ``[start_us, end_us)``, of which ``measured_us`` lie in whole hours that have begun,
    not before anything was measured at all."""

    group: str | None
    start_us: int
    end_us: int
    measured_us: int
    figures: NetworkFigures

    @property
    def carried_bps(self) -> float:
        """Bits a second of all its cameras together, times in which nothing came included."""
        return self.figures.received_bytes * 8e6 / self.measured_us if self.measured_us else 0.0


def measure(
    conn: sqlite3.Connection, group_of: Mapping[int, str | None], edges_us: Sequence[int], *, now_us: int
) -> list[NetworkPart]:
    """The figures of each group of cameras (by key) between neighbouring ``edges_us``; by group, then time. Parts
    without any are left out."""
    found: list[NetworkPart] = []
    oldest = conn.execute("SELECT min(hour) FROM network_hour").fetchone()[0] or 0
    for start_us, end_us in itertools.pairwise(edges_us):
        first, last = -(-start_us // HOUR_US), -(-end_us // HOUR_US)
        measured_us = max(0, min(last * HOUR_US, now_us) - max(first, oldest) * HOUR_US)
        groups: dict[str | None, NetworkFigures] = {}
        for at in range(first, last, _CHUNK_HOURS):
            for row in conn.execute(_SUMS, (at, min(last, at + _CHUNK_HOURS))):
                if row[0] in group_of:
                    _add(groups.setdefault(group_of[row[0]], NetworkFigures()), row)
        found += [NetworkPart(group, start_us, end_us, measured_us, figures) for group, figures in groups.items()]
    return sorted(found, key=lambda part: (part.group is None, part.group or "", part.start_us))


def _add(to: NetworkFigures, row: sqlite3.Row) -> None:
    (
        camera,
        recorded_us,
        bytes_,
        packets,
        lost,
        damaged,
        undecodable,
        reconnects,
        jitter_us,
        readings,
        most_us,
        *rest,
    ) = row
    to.cameras.add(camera)
    to.recorded_us += recorded_us
    to.bytes += bytes_
    to.packets += packets
    to.lost_packets += lost
    to.damaged += damaged
    to.undecodable += undecodable
    to.reconnects += reconnects
    to.jitter_sum_us += jitter_us
    to.jitter_readings += readings
    to.jitter_most_us = max(to.jitter_most_us, most_us)
    to.lost_frames += rest[0]
    to.time_faults += rest[1]
    to.keyframe_most_us = max(to.keyframe_most_us, rest[2])
    to.received_bytes += rest[3]
    to.received_us += rest[4]


def known_rates(conn: sqlite3.Connection, *, now_us: int) -> dict[str, float]:
    """Bits a second of each camera while it sent in the last seven days; of one that no hour tells of, what its
    recorder receives now. Cameras of which neither is known are not among them. What ``nvr.network.capacity`` goes by,
    whoever asks."""
    now = conn.execute(
        "SELECT c.id, s.bitrate_bps FROM status s JOIN camera c ON c.key = s.camera"
        " WHERE s.state = 'recording' AND s.bitrate_bps > 0"
    )
    found = {row[0]: float(row[1]) for row in now}
    ids = dict(conn.execute("SELECT key, id FROM camera").fetchall())
    for part in measure(conn, ids, [now_us - _RATES_US, now_us], now_us=now_us):
        bitrate_bps = part.figures.bitrate_bps
        if part.group is not None and bitrate_bps:
            found[part.group] = bitrate_bps
    return found


def groups(
    conn: sqlite3.Connection, by: str, chosen: Selection, among: Collection[str] | None = None
) -> dict[int, str | None]:
    """The group of each chosen camera, by its key: its id if ``by`` is ``camera``, else what its label ``by`` says
    (None: it has none); with ``among``, as if there were these cameras alone. Cameras removed since are among them:
    they belonged to the network then.

    Raises:
        SelectionError: ``by`` or ``chosen`` names what no camera has.
    """
    every = [camera for camera in cameras.list_all(conn, removed=True) if among is None or camera.id in among]
    members = select(chosen, every)
    keys = {row[0]: row[1] for row in conn.execute("SELECT id, key FROM camera")}
    if by == "camera":
        return {keys[camera.id]: camera.id for camera in members}
    ensure_label(by, every)
    own = {keys[camera.id]: named(camera.labels, by) for camera in members}
    spelt = Spellings(value for value in own.values() if value is not None)
    return {key: None if value is None else spelt.of(value) for key, value in own.items()}


def edges(start_us: int, end_us: int, step: Step, zone: str) -> list[int]:
    """Where the parts of a range begin and end: ``total`` is one part, ``day`` is cut at the zone's midnights, ``hour``
    at whole hours (UTC). Pure."""
    cuts: list[int] = []
    if step == "hour":
        cuts = list(range((start_us // HOUR_US + 1) * HOUR_US, end_us, HOUR_US))
    elif step == "day":
        local = ZoneInfo(zone)
        day = datetime.fromtimestamp(start_us / 1e6, UTC).astimezone(local).date()
        while not cuts or cuts[-1] < end_us:
            day += timedelta(days=1)
            cuts.append(round(datetime.combine(day, time(), local).timestamp()) * 1_000_000)
    return [start_us, *(cut for cut in cuts if start_us < cut < end_us), end_us]
