"""How long does the evaluation of a city's network take?

``python -m tests.bench.bench_network [cameras] [hours]``: 4,470 cameras, 30 days of hours each, in a catalogue; asks
for totals by camera and by ISP, for days by district, and for the bitrates that a plan goes by. Then a minute's look at
the counts of all cameras. Prints the time of each, and the size of the hours.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from nvr.housekeeping.network_hours import NetworkKeeper
from nvr.network.figures import Step, edges, groups, known_rates, measure
from nvr.network.hours import HOUR_US, Hour, add
from storage.catalogue import cameras, node, selection, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status
from tests.bench.machine import describe

CAMERAS, HOURS, H0 = (int(text) for text in (*sys.argv[1:], *("4470", "720")[len(sys.argv) - 1 :], "480000"))
COUNTERS = {
    "connections": 1,
    "frames": 25,
    "bytes": 250_000,
    "recorded_us": 1_000_000,
    "packets": 200,
    "interarrival_jitter_us": 900,
}


def fill(database: Database) -> None:
    """Cameras, their hours and statuses."""
    with database.write() as conn:
        node.this_node(conn, "n")
        for number in range(CAMERAS):
            labels = {"isp": f"isp-{number % 5}", "district": f"district-{number % 16}"}
            cameras.add(
                conn,
                camera=f"c{number}",
                name="c",
                source="file",
                settings={},
                labels=labels,
                node="n",
                epoch=1,
                at_us=0,
            )
    for hour in range(HOURS):
        with database.write() as conn:
            rows = (
                Hour(key, HOUR_US, 900_000_000 + key, 700_000, key % 7, 0, 0, 0, 60_000, 60, 4_000)
                for key in range(1, CAMERAS + 1)
            )
            add(conn, rows, now_us=(H0 + hour) * HOUR_US)


def look(database: Database, keeper: NetworkKeeper, times: int) -> None:
    """One minute's."""
    now_us = (H0 + HOURS) * HOUR_US + times
    counters = {name: count * times for name, count in COUNTERS.items()}
    with database.write() as conn:
        status.put(
            conn, [Status(f"c{n}", "recording", 0, updated_us=now_us, counters=counters) for n in range(CAMERAS)]
        )
    timed(f"look {times}", lambda: keeper.poll(now_us=now_us))


def timed(what: str, work: Callable[[], object]) -> None:
    """Prints how long it takes."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    print(f"{what}: {time.perf_counter() - began:.2f} s, CPU {time.process_time() - cpu:.2f} s")


def main() -> None:
    """Prints all."""
    print(describe())
    with tempfile.TemporaryDirectory(prefix="nvr-bench-") as folder:
        path = Path(folder) / "catalogue.sqlite"
        database = Database(path, durable=False)
        database.migrate()
        fill(database)
        start_us, end_us = H0 * HOUR_US, (H0 + HOURS) * HOUR_US
        with database.read() as conn:
            print(f"{CAMERAS * HOURS} hours of cameras, catalogue {path.stat().st_size / 1e6:.0f} MB")
            every = selection.parse("*")
            asked: tuple[tuple[str, Step], ...] = (("camera", "total"), ("isp", "total"), ("district", "day"))
            for by, step in asked:
                cut = edges(start_us, end_us, step, "Asia/Jakarta")
                timed(
                    f"{by}, {step}", lambda by=by, cut=cut: measure(conn, groups(conn, by, every), cut, now_us=end_us)
                )  # type: ignore[misc]
            timed("bitrates of 7 days", lambda: known_rates(conn, now_us=end_us))
        keeper = NetworkKeeper(path, threading.Event())
        for times in (1, 2, 3):
            look(database, keeper, times)
        database.close()


if __name__ == "__main__":
    main()
