"""Cameras that FFmpeg reads, 16 to a process: what that costs, and what it costs the others when one of those processes
is aborted.

``python -m tests.bench.bench_av`` (``make bench-av``). ``--room`` puts more cameras into each process, for comparison;
with as many as there are cameras it is one process. Processor and memory are those of all recorder processes, less what
they need without cameras. At the end processes that feed FFmpeg are aborted, ``--aborts`` times by turns: printed is
for how long their cameras have no footage. Exit code 1 if that is over three seconds for any, or if a camera of another
process noticed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.bench.load.fleet import Fleet
from tests.bench.load.material import Profile
from tests.bench.load.trial import HD, LOW, MID, Trial, baseline_bytes, folder
from tests.bench.machine import describe
from tests.bench.measure import usage
from tests.support.server import Server, now_us
from tests.system.test_sources import worker_of

_PROFILES: Final = {"low": LOW, "mid": MID, "hd": HD}
# What an abort may cost a neighbour, the wait for a keyframe included.
_WITHIN_S: Final = 3.0
_START: Final = (
    "import sys; from nvr.supervisor import balancing; balancing.ROOM = int(sys.argv.pop(1)); from nvr.cli import main;"
    " main()"
)


class RoomyServer(Server):
    """As many cameras in a process that feeds FFmpeg as ``room`` says."""

    room = 16

    def start(self) -> None:
        command = [sys.executable, "-c", _START, str(self.room), "serve", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def gaps_s(server: Server, cameras: list[str], since_us: int) -> list[float]:
    """How long each camera was without footage since then, in seconds; the longest last."""
    now = now_us()
    found = (server.coverage(id_, since_us, now).gaps for id_ in cameras)
    return sorted(sum(gap.end_us - gap.start_us for gap in gaps) / 1e6 for gaps in found)


def abort(server: Server, ids: list[str], first: str, settle_s: float, *, verbose: bool) -> tuple[list[float], float]:
    """Aborts the process of camera ``first``; for how long each of its cameras had no footage, in seconds, and at most
    those of the others."""
    homes = {id_: worker_of(server, id_) for id_ in ids}
    victims = [id_ for id_ in ids if homes[id_] == homes[first]]
    others = [id_ for id_ in ids if homes[id_] != homes[first]]
    pid = next(pid for pid in server.children("nvr.recorder") if records(pid, first))
    since_us = now_us() - 3_000_000
    lines = len(server.log.read_text().splitlines())
    at_us = now_us()
    os.kill(pid, signal.SIGABRT)
    time.sleep(settle_s)
    if verbose:
        for id_ in victims:
            gaps = server.coverage(id_, since_us, now_us()).gaps
            seconds = [f"{(gap.start_us - at_us) / 1e6:+.2f} to {(gap.end_us - at_us) / 1e6:+.2f}" for gap in gaps]
            print(f"{id_}: without footage from {', '.join(seconds)} s of the abort")
        print("".join(line for line in server.log.read_text().splitlines(keepends=True)[lines:]))
    theirs, rest = gaps_s(server, victims, since_us), gaps_s(server, others, since_us)
    print(
        f"aborted: {spread(theirs)} of {len(theirs)} cameras; the other {len(others)}: {max(rest, default=0.0):.2f} s"
    )
    return theirs, max(rest, default=0.0)


def spread(seconds: list[float]) -> str:
    """Median and most."""
    ordered = sorted(seconds)
    return f"without footage for {ordered[len(ordered) // 2]:.2f} s in the median, {ordered[-1]:.2f} s at most"


def abort_by_turns(server: Server, ids: list[str], args: argparse.Namespace) -> bool:
    """Aborts processes by turns, so that each had time to live; whether that cost little enough."""
    firsts = list({worker_of(server, id_): id_ for id_ in ids}.values())
    theirs: list[float] = []
    rest_s = 0.0
    for number in range(args.aborts):
        found, other_s = abort(server, ids, firsts[number % len(firsts)], args.settle, verbose=args.verbose)
        theirs += found
        rest_s = max(rest_s, other_s)
    print(
        f"{args.aborts} processes aborted: {spread(theirs)} of {len(theirs)} cameras; cameras of the other processes:"
        f" {rest_s:.2f} s at most"
    )
    return max(theirs) <= _WITHIN_S and rest_s == 0


def records(pid: int, camera: str) -> bool:
    """Whether this process writes segments of the camera."""
    files = (Path("/proc") / str(pid) / "fd").iterdir()
    return any(f"/footage/{camera}/" in str(path.readlink()) for path in files if path.exists())


def measure(args: argparse.Namespace, profile: Profile, idle_bytes: int) -> bool:
    """One run; whether an abort cost little enough."""
    RoomyServer.room = args.room
    with folder(args.dir) as made, Fleet(profile) as fleet:
        ids = [f"cam-{n}" for n in range(args.cameras)]
        tables = [{"id": id_, "url": fleet.url(n), "source": "av"} for n, id_ in enumerate(ids)]
        server = RoomyServer(made, tables, segment_duration="30s", workers=1)
        server.start()
        try:
            server.until(server.prepared, timeout_s=60, what="the catalogue")
            run = Trial(made, fleet, server)
            run.until_playing(args.cameras, 60 + args.cameras)
            time.sleep(args.warm)
            cost = run.cost(args.seconds)
            pids = run.recorders()
            each = sorted(usage([pid]).pss_bytes / 1e6 for pid in pids)
            memory = (cost.pss_bytes - idle_bytes) / args.cameras / 1e6
            print(
                f"{args.cameras} cameras of {profile.bit_rate_bps / 1000:.0f} kbit/s, {args.room} to a process:"
                f" {len(pids)} processes;"
                f" {cost.core_percent / args.cameras:.3f} % of a core a camera, {memory:.1f} MB a camera,"
                f" {cost.pss_bytes / 1e6:.0f} MB in all"
                f" ({each[0]:.0f} to {each[-1]:.0f} a process), {cost.threads} threads"
            )
            counts = Counter(worker_of(server, id_) for id_ in ids)
            print("cameras of each: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
            return abort_by_turns(server, ids, args)
        finally:
            if server.process is not None and server.process.poll() is None:
                server.stop(120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--profile", choices=_PROFILES, default="mid")
    parser.add_argument("--room", type=int, default=16, help="cameras of a process that feeds FFmpeg")
    parser.add_argument("--warm", type=float, default=20, help="seconds before measuring")
    parser.add_argument("--seconds", type=float, default=30, help="seconds of measuring")
    parser.add_argument("--aborts", type=int, default=12, help="processes aborted, by turns")
    parser.add_argument("--settle", type=float, default=10, help="seconds after an abort")
    parser.add_argument("--verbose", action="store_true", help="what the server logged from the abort on")
    parser.add_argument("--dir", type=Path, help="where footage goes meanwhile")
    args = parser.parse_args()
    print(describe())
    return 0 if measure(args, _PROFILES[args.profile], baseline_bytes(args.dir, workers=1)) else 1


if __name__ == "__main__":
    sys.exit(main())
