"""How long from the command until all cameras are recorded, after a kill too, and until the server has ended? What does
it take while it does nothing?

``python -m tests.bench.bench_begin`` (``make bench-begin``). Cameras of a load; *asked*: the last one sends, *first
frame*: the last one's footage begins (each has a keyframe every two seconds, of which nobody knows when), *page*: it
answers. All count from the command. A killed server is begun again on what it left. Then so many more cameras, to end.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storage.catalogue import segments
from storage.catalogue.database import Database
from tests.bench.load.fleet import Fleet
from tests.bench.load.trial import LOW, folder
from tests.bench.machine import describe
from tests.bench.measure import family, module_of, usage
from tests.support.server import Server

_SETTLED_S = 6.0
# What is recorded before a server ends.
_MORE_S = 2.0


@dataclass(frozen=True)
class Began:
    """Seconds from the command."""

    asked_s: float
    first_frame_s: float
    page_s: float
    ended_s: float

    def row(self, what: str) -> str:
        """As a line of the table."""
        seconds = (self.asked_s, self.first_frame_s, self.page_s, self.ended_s)
        return f"| {what} | " + " | ".join(f"{each:.2f} s" for each in seconds) + " |"


def _page(port: int, found: list[float], until_s: float) -> None:
    while not found and time.time() < until_s:
        with suppress(OSError, http.client.HTTPException):
            conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            conn.request("GET", "/api/health")
            if conn.getresponse().status == 200:
                found.append(time.time())
            conn.close()
        time.sleep(0.02)


def _first_frames(server: Server, count: int, since_s: float) -> list[float]:
    """When the footage of each camera begins that was recorded since then; of those that have some."""
    database = Database(server.catalogue)
    found = []
    try:
        with database.read() as conn:
            for number in range(count):
                rows = segments.between(conn, f"cam-{number}", int(since_s * 1e6), int((since_s + 3600) * 1e6))
                starts = [row.key.start_us / 1e6 for row in rows if row.key.start_us >= since_s * 1e6]
                found += [min(starts)] if starts else []
    finally:
        database.close()
    return found


def begin(server: Server, fleet: Fleet, count: int, made: Path, *, kills: bool) -> Began:
    """One start and end."""
    began_s = time.time()
    page: list[float] = []
    asking = threading.Thread(target=_page, args=(server.port, page, began_s + 120), daemon=True)
    server.start()
    asking.start()
    server.until(lambda: fleet.tell("stats")["playing"] >= count, what="all cameras")
    asking.join(120)
    server.until(lambda: len(_first_frames(server, count, began_s)) == count, what="footage of all cameras")
    asked_s = max(sent.began for sent in fleet.log(made / "sent.jsonl") if sent.began >= began_s)
    first_s = max(_first_frames(server, count, began_s))
    time.sleep(_MORE_S)
    ending_s = time.time()
    if kills:
        server.kill_all()
    else:
        server.stop(120)
    return Began(asked_s - began_s, first_s - began_s, page[0] - began_s, time.time() - ending_s)


def idle(made: Path, workers: int) -> None:
    """Memory of a server without cameras, a process a line."""
    server = Server(made, [], workers=workers)
    server.start()
    server.until(lambda: "page at" in server.log.read_text(), what="the page")
    time.sleep(_SETTLED_S)
    assert server.process is not None
    total = 0
    print("\n| process | memory at rest |\n| --- | --- |")
    for pid in family(server.process.pid):
        bytes_ = usage([pid]).pss_bytes
        total += bytes_
        print(f"| {module_of(pid)} | {bytes_ / 1e6:.1f} MB |")
    print(f"| all | {total / 1e6:.1f} MB |", flush=True)
    server.stop(60)


def _median(rounds: Sequence[Began]) -> Began:
    names = ("asked_s", "first_frame_s", "page_s", "ended_s")
    return Began(*(statistics.median(getattr(each, name) for each in rounds) for name in names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--many", type=int, default=1000, help="cameras of the server that is ended; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    print("\n| start | asked | first frame | page | ended |\n| --- | --- | --- | --- | --- |", flush=True)
    found: dict[str, list[Began]] = {"new": [], "killed": [], "again": []}
    for _ in range(args.rounds):
        with folder(args.dir) as made, Fleet(LOW) as fleet:
            cameras = [{"id": f"cam-{n}", "url": fleet.url(n)} for n in range(args.cameras)]
            server = Server(made, cameras, segment_duration="30s", workers=args.workers)
            for what, kills in (("new", True), ("killed", False), ("again", False)):
                each = begin(server, fleet, args.cameras, made, kills=kills)
                found[what].append(each)
                print(each.row(what), flush=True)
    for what, rounds in found.items():
        print(_median(rounds).row(f"median, {what}"))
    with folder(args.dir) as made:
        idle(made, args.workers)
    if args.many:
        with folder(args.dir) as made, Fleet(LOW) as fleet:
            cameras = [{"id": f"cam-{n}", "url": fleet.url(n)} for n in range(args.many)]
            server = Server(made, cameras, segment_duration="5m", workers=args.workers)
            each = begin(server, fleet, args.many, made, kills=False)
            print("\n" + each.row(f"{args.many} cameras"))


if __name__ == "__main__":
    main()
