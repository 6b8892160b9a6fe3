"""How long does planning take over a city's month?

``python -m tests.bench.bench_retention [cameras] [days]``: a generated catalogue (4,470 cameras, 30 days, segments of
five minutes: 38.6 million rows; no files), then the plans that retention makes, each read from the catalogue anew. The
catalogue goes to ``TMPDIR`` (4 GB).
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from storage.catalogue import cameras, node, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Init
from storage.retention import candidates as footage
from storage.retention import confirmed_plans, forecast, holds
from storage.retention.applying import apply
from storage.retention.plan import Disk, RetentionPlan, plan
from storage.retention.policies import Policy, Rules
from tests.bench.machine import describe
from tests.support.people import person

S = 1_000_000
DAY_US = 86_400 * S
LENGTH_US = 300 * S
BYTES = 75_000_000
# A UTC midnight.
START_US = 1_790_000_000 * S // DAY_US * DAY_US


def generate(database: Database, count: int, days: int) -> None:
    database.migrate()
    with database.write() as conn:
        node.this_node(conn, "n1")
        conn.execute("INSERT INTO root (id, path) VALUES ('r1', '/nowhere')")
        segments.put_init(conn, Init("a" * 64, b"x", "avc1.64001f", None, 1280, 720))
        for number in range(count):
            labels = {"district": f"d{number % 16}"}
            cameras.add(
                conn,
                camera=f"c{number:04}",
                name="x",
                source="file",
                settings={},
                labels=labels,
                node="n1",
                epoch=1,
                at_us=0,
            )
    conn = sqlite3.connect(database.path, isolation_level=None)
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("BEGIN")
    a_day = DAY_US // LENGTH_US
    conn.execute("CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                 " SELECT i FROM n",
                 (days * a_day - 1,))  # fmt: skip
    for key in range(1, count + 1):
        # Cameras rotate at different times, as they do.
        first_us = START_US + key * 7919 * 1000 % LENGTH_US
        conn.execute(
            "INSERT INTO segment (camera, start_us, node, epoch, end_us, root, init, run_start_us, timescale,"
            " media_start, media_end, frames, bytes)"
            " SELECT ?1, ?2 + i * ?3, 1, 1, ?2 + (i + 1) * ?3, 1, ?4, ?2, 90000, 0, 27000000, 7500, ?5 FROM n",
            (key, first_us, LENGTH_US, "a" * 64, BYTES),
        )
        # A row a day; to the microsecond where midnight cuts it does not matter here.
        conn.executemany(
            "INSERT INTO span (camera, start_us, node, epoch, end_us, segments, bytes, rev)"
            " VALUES (?, ?, 1, 1, ?, ?, ?, 0)",
            [
                (key, first_us + day * DAY_US, first_us + (day + 1) * DAY_US, a_day, a_day * BYTES)
                for day in range(days)
            ],
        )
    conn.execute("COMMIT")
    conn.close()


def planned(database: Database, rules: Rules, found: Sequence[Disk], now_us: int, what: str) -> RetentionPlan:
    began = time.perf_counter()
    with database.read() as conn:
        policy_of = footage.policies(conn, rules)
        made = plan(footage.load(conn, policy_of, now_us=now_us), found, now_us=now_us)
    print(f"{time.perf_counter() - began:7.2f} s  {len(made.deletions):7,} deletions  {what}", flush=True)
    return made


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4_470
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        database = Database(Path(name) / "catalogue.sqlite", durable=False)
        began = time.perf_counter()
        generate(database, count, days)
        size = database.path.stat().st_size
        print(
            f"{time.perf_counter() - began:7.1f} s to generate {count * days * 288:,} segments, {size / 1e9:.1f} GB",
            flush=True,
        )
        full = Disk("r1", 0, 0)
        now_us = START_US + days * DAY_US + 600 * S
        planned(database, Rules(Policy(max_age_us=(days + 1) * DAY_US)), [full], now_us, "nothing due")
        by_age = Rules(Policy(max_age_us=now_us - START_US - LENGTH_US))
        planned(database, by_age, [full], now_us, "max_age: the first segment of each camera")
        hour = Rules(Policy(max_age_us=now_us - START_US - 3600 * S))
        planned(database, hour, [full], now_us, "max_age: an hour of each camera")
        planned(database, Rules(), [Disk("r1", 0, 1_000 * BYTES)], now_us, "free space: 1,000 segments short")
        planned(database, Rules(), [Disk("r1", 0, 20_000 * BYTES)], now_us, "free space: 20,000 segments short")
        quota = Rules(Policy(max_bytes=(days * 288 - 2) * BYTES))
        planned(database, quota, [full], now_us, "max_bytes: two segments of each camera")
        promise = Rules(Policy(min_age_us=days * DAY_US))
        made = planned(
            database, promise, [Disk("r1", 0, 10**15)], now_us, "free space, nearly all protected by min_age"
        )
        print(f"           shortfall of {made.shortfalls[0].bytes:,} bytes")
        with database.write() as conn:
            for number in range(0, count, 45):
                holds.place(conn, f"c{number:04}", START_US, now_us, reason="x", by=person("y"), now_us=now_us)
        planned(database, hour, [full], now_us, "max_age: an hour of each camera, every 45th on hold")
        planned(
            database, Rules(), [Disk("r1", 0, 20_000 * BYTES)], now_us, "free space: 20,000 short, every 45th on hold"
        )
        week = Rules(Policy(max_age_us=max(1, days - 23) * DAY_US))
        began = time.perf_counter()
        with database.read() as conn:
            preview = confirmed_plans.preview(conn, week, [full], now_us=now_us)
            hash_ = confirmed_plans.packed(conn, preview.deletions, Rules()).hash
        print(
            f"{time.perf_counter() - began:7.2f} s  {len(preview.deletions):7,} deletions  preview of max_age = 7d,"
            " with its hash"
        )
        with database.read() as conn:
            began = time.perf_counter()
            fleet, total = forecast.measure(conn, footage.policies(conn, promise), now_us=now_us)
            forecast.forecast(fleet, total // 2, now_us=now_us)
            print(f"{time.perf_counter() - began:7.2f} s  {len(fleet):7,} cameras    forecast")
        todo = preview.deletions[:10_000]
        began = time.perf_counter()
        done = apply(database, todo, now_us=now_us, sweep=False)
        print(f"{time.perf_counter() - began:7.2f} s  {done.segments:7,} rows given up (catalogue only)")
        with database.read() as conn:
            left = sum(segments.get(conn, deletion.candidate.key) is not None for deletion in todo)
            again = confirmed_plans.preview(conn, week, [full], now_us=now_us)
            assert hash_ != confirmed_plans.packed(conn, again.deletions, Rules()).hash
        assert done.segments == len(todo) and not left, "the dry run is not what was deleted"
        assert not {d.candidate.key for d in todo} & {d.candidate.key for d in again.deletions}
        database.close()


if __name__ == "__main__":
    main()
