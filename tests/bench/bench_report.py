"""How long does a fleet's report take, and in how much memory?

``make bench-report`` (``python -m tests.bench.bench_report [cameras] [days] [gaps a day]``): a generated catalogue
(4,470 cameras, 30 days, 15 gaps a day each: two million gaps, each with its fact), then the real API process is asked
over HTTP for gaps and figures. Beside it, on a part, the plain way: coverage camera by camera, gap by gap. Its sums
must be those that were generated. The catalogue goes to ``TMPDIR`` (350 MB).
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from nvr.accounts.rows import Role
from nvr.api.footage.coverage import coverage_body
from nvr.api.http.times import format_time
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from storage.coverage import closed_days
from storage.coverage.one_camera import read_one
from storage.intervals import DAY_US, cut_at_days
from tests.bench.machine import describe
from tests.support.api_process import ApiProcess
from tests.support.people import create_token

S: Final = 1_000_000
CAUSES: Final = ("unreachable", "ended", "stalled", "server_down", "corrupt")
DETAIL: Final = '{"error": "connection timed out"}'
SLOW_CAMERAS: Final = 60


@dataclass(frozen=True)
class Made:
    """What was generated."""

    start_us: int
    end_us: int
    gaps: int
    missing_us: int


def generate(database: Database, count: int, days: int, a_day: int) -> Made:
    """Cameras that record until now, and whose footage breaks off ``a_day`` times a day for 0.5 s to 60 s."""
    now_us = time.time_ns() // 1000
    start_us = (now_us // DAY_US - days) * DAY_US
    random = np.random.default_rng(1)
    database.migrate()
    with database.write() as conn:
        node.this_node(conn, "n1")
        node.heartbeat(conn, "n1", now_us)
        conn.execute("INSERT INTO root (key, id, path) VALUES (1, 'r1', '/nowhere')")
        conn.execute("INSERT INTO init VALUES ('i', x'00', 'avc1', NULL, 1, 1)")
        for number in range(count):
            cameras.add(
                conn, camera=f"c{number:05}", name=f"Simpang {number}", source="file", settings={}, node="n1", epoch=1,
                at_us=start_us, labels={"district": f"Kecamatan {number % 16}", "isp": f"ISP {number % 5}"},
            )  # fmt: skip
        conn.execute("UPDATE fact SET end_us = ?", (start_us,))
    gaps = missing_us = 0
    slots = days * a_day
    slot_us = days * DAY_US // slots
    for key in range(1, count + 1):
        begin = start_us + np.arange(slots) * slot_us + random.integers(S, slot_us // 2, slots)
        end = begin + random.integers(S // 2, 60 * S, slots)
        footage = list(zip([start_us, *end.tolist()], [*begin.tolist(), now_us - 60 * S], strict=True))
        spans = [part for a, b in footage for part in cut_at_days(a, b)]
        with database.write() as conn:
            conn.executemany(f"INSERT INTO span VALUES ({key}, ?, 1, 1, ?, 1, 1, 1)", spans)
            conn.executemany(
                f"INSERT INTO fact VALUES ({key}, 'recorder', ?, 1, 1, ?, ?, '{DETAIL}', 1)",
                [(a, b, CAUSES[a % len(CAUSES)]) for a, b in zip(begin.tolist(), end.tolist(), strict=True)],
            )
            conn.execute(
                "INSERT INTO segment (camera, start_us, node, epoch, root, init, run_start_us, timescale, media_start)"
                " VALUES (?, ?, 1, 1, 1, 'i', 0, 1, 0)",
                (key, now_us - 60 * S),
            )
            conn.execute("INSERT INTO growing VALUES (?, ?, 1, 1, ?)", (key, now_us - 60 * S, now_us))
        gaps += slots
        missing_us += int((end - begin).sum())
    return Made(start_us, now_us, gaps, missing_us)


class Api(ApiProcess):
    """The API's process, and its answers measured."""

    def __init__(self, catalogue: Path, token: str) -> None:
        super().__init__(catalogue, zone="Asia/Jakarta")
        self.token = token
        self.port = int(self.hear()["port"])

    def ask(self, name: str, path: str, *, keep: bool = False) -> Any:
        """Asks, and prints when the answer began and ended."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        cpu, began = self.cpu_s, time.perf_counter()
        conn.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = conn.getresponse()
        first = answer.read1(65_536)
        first_s = time.perf_counter() - began
        size, tail, kept = len(first), first, [first] if keep else []
        while chunk := answer.read1(1 << 20):
            size += len(chunk)
            tail = (tail + chunk)[-4_096:]
            if keep:
                kept.append(chunk)
        done_s = time.perf_counter() - began
        conn.close()
        if answer.status != 200:
            raise SystemExit(f"{name}: {answer.status} {first[:300]!r}")
        print(
            f"{name:42} first {first_s:6.3f} s  done {done_s:7.3f} s  CPU {self.cpu_s - cpu:6.2f} s"
            f"  {size / 1e6:8.1f} MB  peak {self.memory_bytes('VmHWM') / 2**20:6.0f} MiB"
        )
        return msgspec.json.decode(b"".join(kept)) if keep else tail


def slow(database: Database, made: Made, count: int) -> float:
    """Seconds a gap of the plain way, in processor time."""
    with database.read() as conn:
        ids = [row[0] for row in conn.execute("SELECT id FROM camera ORDER BY id LIMIT ?", (min(count, SLOW_CAMERAS),))]
        began, gaps = time.process_time(), 0
        for camera in ids:
            found = read_one(conn, camera, made.start_us, made.end_us, now_us=made.end_us)
            msgspec.json.encode(coverage_body(camera, found, [], whole=True))
            gaps += len(found.gaps)
        return (time.process_time() - began) / gaps


def main() -> None:
    count, days, a_day = (int(text) for text in (*sys.argv[1:], *("4470", "30", "15")[len(sys.argv) - 1 :]))
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "catalogue.sqlite", durable=False)
        began = time.perf_counter()
        made = generate(database, count, days, a_day)
        token = create_token(database, "bench", Role.ADMIN, at_us=made.start_us)
        size = database.path.stat().st_size / 1e6
        print(
            f"{count} cameras, {days} days, {made.gaps} gaps:"
            f" {size:.0f} MB, generated in {time.perf_counter() - began:.0f} s"
        )
        began, cpu = time.perf_counter(), time.process_time()
        rows = closed_days.refresh(database, now_us=made.end_us)
        print(
            f"closed days: {rows} rows made in {time.perf_counter() - began:.1f} s,"
            f" CPU {time.process_time() - cpu:.1f} s"
        )
        api = Api(database.path, token)
        try:
            questions(api, made)
        finally:
            api.stop()
        each = slow(database, made, count)
        print(f"the plain way, camera by camera: {each * 1e6:.1f} us a gap in CPU, {each * made.gaps:.1f} s for all")
        database.close()


def questions(api: Api, made: Made) -> None:
    """What people ask, and that it is right."""
    api.ask("a camera list, to warm up", "/api/cameras")
    print(f"{'':42} at rest, peak {api.memory_bytes('VmHWM') / 2**20:.0f} MiB")
    utc = f"start={format_time(made.start_us)}&end={format_time(made.end_us // DAY_US * DAY_US)}"
    # Midnights of the display zone, seven hours from those of the rows, until now.
    local = f"start={format_time(made.start_us + 17 * 3600 * S)}&end={format_time(made.end_us)}"
    tail = api.ask("gaps, JSON", f"/api/gaps?{utc}")
    total, _ = json.JSONDecoder().raw_decode(tail[tail.rindex(b'"total":') + 8 :].decode())
    wrong = total["gaps"] != made.gaps or round(total["missing_s"] * S) != made.missing_us
    print(f"{'':42} {total['gaps']} gaps, {total['missing_s']:.6f} s: {'NOT WHAT WAS MADE' if wrong else 'as made'}")
    api.ask("gaps, CSV", f"/api/gaps?{utc}&format=csv")
    api.ask("gaps, the sums and 500 rows", f"/api/gaps?{utc}&limit=500")
    api.ask("gaps, HTML", f"/api/gaps?{utc}&format=html&lang=id")
    api.ask("gaps, PDF", f"/api/gaps?{utc}&format=pdf&lang=id")
    api.ask("gaps of one camera, PDF", f"/api/gaps?{utc}&camera=c00007&format=pdf")
    for name, asked in (("days of UTC", utc), ("30 days of WIB until now", local)):
        body = api.ask(f"coverage by district, {name}", f"/api/coverage?{asked}&by=district", keep=True)
        print(
            f"{'':42} {len(body['groups'])} districts, coverage {body['total']['coverage']:.6f},"
            f" {body['total']['outages']} outages"
        )
    api.ask("coverage by camera", f"/api/coverage?{local}&by=camera")
    api.ask("coverage by day", f"/api/coverage?{local}&by=day")
    api.ask("coverage by hour", f"/api/coverage?{local}&by=hour")
    api.ask("outages of now", "/api/outages")


if __name__ == "__main__":
    main()
