"""The housekeeping process makes the coverage of closed days."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from nvr.housekeeping.coverage_days import DayKeeper
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from storage.intervals import DAY_US


def test_closed_days_are_made(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    database = Database(path)
    database.migrate()
    today = time.time_ns() // 1000 // DAY_US
    with database.write() as conn:
        node.this_node(conn, "n")
        cameras.add(
            conn,
            camera="a",
            name="A",
            source="file",
            settings={},
            labels={},
            node="n",
            epoch=1,
            at_us=(today - 3) * DAY_US,
        )
    ending = threading.Event()
    keeper = DayKeeper(path, ending, first_s=0.0)
    keeper.start()
    made: list[tuple[int, int]] = []
    until = time.monotonic() + 60
    while len(made) < 3 and time.monotonic() < until:
        with database.read() as conn:
            rows = conn.execute("SELECT day, absent_us FROM coverage_day WHERE dirty = 0 ORDER BY day")
            made = [(row[0], row[1]) for row in rows]
    ending.set()
    keeper.join(60)
    assert not keeper.is_alive()
    assert made == [(today - n, DAY_US) for n in (3, 2, 1)]
    database.close()
