"""What the health page and ``/metrics`` say of a fleet of several machines: as this node saw the others last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric

from nvr.api.http.settings import ApiSettings
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.fleet.seen import KeptFleet

__all__ = ["kept_fleet", "node_metrics", "node_problems"]

# The supervisor asks every second, and is told within some more that there is no answer.
_AWAY_US = 10_000_000
_CLOCK_OFF_US = 500_000


def kept_fleet(conn: sqlite3.Connection, settings: ApiSettings) -> KeptFleet | None:
    """None: this server is alone."""
    if not settings.in_fleet:
        return None
    from nvr.fleet.seen import read_fleet

    return read_fleet(conn)


def node_problems(fleet: KeptFleet, here: str, now_us: int) -> Iterator[tuple[str, Sentence, int]]:
    """Code, words and number of cameras of each thing that is wrong."""
    if fleet.trouble is not None or fleet.asked_us is None or now_us - fleet.asked_us > _AWAY_US:
        yield (
            "coordinator_away",
            Sentence("the fleet's coordinator does not answer, or refuses: recording goes on as it was assigned"),
            0,
        )
    # Anybody may ask: their number, not their names.
    lost = sum(node.health == "dead" and node.standing != "left" for node in fleet.nodes)
    if lost:
        yield "nodes_lost", Sentence("nodes of the fleet that are lost: {count}", count=lost), 0
    if fleet.nobodys:
        yield "no_capacity", Sentence("cameras that no node records, for want of room"), fleet.nobodys
    for node in fleet.nodes:
        if node.id == here and node.offset_us is not None and abs(node.offset_us) > _CLOCK_OFF_US:
            yield (
                "clock_off",
                Sentence(
                    "this node's clock is {seconds:.1f} s off the coordinator's", seconds=abs(node.offset_us) / 1e6
                ),
                0,
            )


def node_metrics(fleet: KeptFleet | None, now_us: int) -> Iterable[Metric]:
    """Nothing of a server that is alone."""
    if fleet is None:
        return
    if fleet.asked_us is not None:
        yield GaugeMetricFamily(
            "nvr_fleet_coordinator_age_seconds",
            "Time since the fleet's coordinator last answered this node",
            value=max(0, now_us - fleet.asked_us) / 1e6,
        )
    yield GaugeMetricFamily("nvr_fleet_cameras_without_node", "Cameras that no node records", value=fleet.nobodys)
    alive = GaugeMetricFamily(
        "nvr_node_alive", "1: this node sees the node's beats; 0: it is lost, or not watched for long", labels=["node"]
    )
    cameras = GaugeMetricFamily("nvr_node_cameras", "Cameras that the node is to record", labels=["node"])
    load = GaugeMetricFamily("nvr_node_load_bits_per_second", "What these send together", labels=["node"])
    capacity = GaugeMetricFamily("nvr_node_capacity_bits_per_second", "What it has room for", labels=["node"])
    offset = GaugeMetricFamily(
        "nvr_node_clock_offset_seconds", "The node's clock against the coordinator's, as it measures", labels=["node"]
    )
    for node in fleet.nodes:
        if node.standing == "left":
            continue
        alive.add_metric([node.id], float(node.health == "alive"))
        cameras.add_metric([node.id], node.cameras)
        load.add_metric([node.id], node.offered_bps)
        if node.capacity_bps is not None:
            capacity.add_metric([node.id], node.capacity_bps)
        if node.offset_us is not None:
            offset.add_metric([node.id], node.offset_us / 1e6)
    yield from (alive, cameras, load, capacity, offset)
