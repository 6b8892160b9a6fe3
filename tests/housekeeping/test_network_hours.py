"""The housekeeping process keeps the hours of the network."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from nvr.housekeeping.network_hours import NetworkKeeper
from nvr.network.hours import HOUR_US
from storage.catalogue import cameras, node, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status


def say(database: Database, now_us: int, **counters: int) -> None:
    with database.write() as conn:
        status.put(conn, [Status("a", "recording", 0, updated_us=now_us, counters=counters)])


def test_what_came_between_looks_is_entered(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    database = Database(path)
    database.migrate()
    at_us = 480_000 * HOUR_US
    with database.write() as conn:
        node.this_node(conn, "n")
        cameras.add(conn, camera="a", name="A", source="file", settings={}, labels={}, node="n", epoch=1, at_us=0)
    keeper = NetworkKeeper(path, threading.Event())
    say(database, at_us, bytes=500, packets=5, connections=1)
    keeper.poll(now_us=at_us)
    say(database, at_us + 1, bytes=900, packets=9, lost_packets=1, connections=2, jitter_sum_us=80, jitter_readings=2)
    keeper.poll(now_us=at_us + 1)
    # Another recorder, an hour later.
    say(database, at_us + HOUR_US, bytes=70, packets=1, connections=1, jitter_sum_us=60, jitter_readings=1)
    keeper.poll(now_us=at_us + HOUR_US)
    with database.read() as conn:
        rows = [tuple(row) for row in conn.execute(
            "SELECT hour - 480000, bytes, packets, lost_packets, reconnects, jitter_sum_us, jitter_readings"
            " FROM network_hour"
        )]  # fmt: skip
    assert rows == [(0, 400, 4, 1, 1, 40, 1), (1, 70, 1, 0, 0, 60, 1)]
    database.close()


def test_the_thread_looks_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    database = Database(path)
    database.migrate()
    with database.write() as conn:
        node.this_node(conn, "n")
        cameras.add(conn, camera="a", name="A", source="file", settings={}, labels={}, node="n", epoch=1, at_us=0)
    ending = threading.Event()
    keeper = NetworkKeeper(path, ending, between_s=0.01)
    keeper.start()
    until, counted, found = time.monotonic() + 60, 0, None
    while found is None and time.monotonic() < until:
        counted += 100
        say(database, time.time_ns() // 1000, bytes=counted, packets=counted)
        with database.read() as conn:
            found = conn.execute("SELECT bytes FROM network_hour").fetchone()
    ending.set()
    keeper.join(60)
    assert not keeper.is_alive()
    assert found is not None and found[0] > 0
    database.close()
