"""Cameras that FFmpeg reads, 16 to a process: what that costs, and what it costs the others when one of those processes is aborted.

``python -m tests.bench.bench_av`` (``make bench-av``). ``--room`` puts more cameras into each process, for comparison; with as many as there are cameras it is one
process. Processor and memory are those of all recorder processes, less what they need without cameras. At the end a process that feeds FFmpeg is aborted: printed is
for how long its cameras have no footage. Exit code 1 if that is over a second and a half and the keyframe distance, or if a camera of another process noticed.
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
from tests.system.server import Server, now_us
from tests.system.test_sources import worker_of

_PROFILES: Final = {"low": LOW, "mid": MID, "hd": HD}
# Until the process is replaced and has connected; the wait for a keyframe comes on top.
_WITHIN_S: Final = 1.5
_START: Final = "import sys; from nvr.supervisor import shares; shares.ROOM = int(sys.argv.pop(1)); from nvr.cli import main; main()"


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


def abort(server: Server, ids: list[str], settle_s: float, group_s: float, *, verbose: bool) -> bool:
    """Aborts the process of the first camera, and prints what that cost; whether it was little enough."""
    homes = {id_: worker_of(server, id_) for id_ in ids}
    victims = [id_ for id_ in ids if homes[id_] == homes[ids[0]]]
    others = [id_ for id_ in ids if homes[id_] != homes[ids[0]]]
    pid = next(pid for pid in server.children("nvr.recorder") if records_first(pid))
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
        f"a process with {len(victims)} cameras aborted: without footage for {theirs[len(theirs) // 2]:.2f} s in the median, {theirs[-1]:.2f} s at most;"
        f" the other {len(others)} cameras: {rest[-1] if rest else 0.0:.2f} s at most"
    )
    return theirs[-1] <= _WITHIN_S + group_s and (not rest or rest[-1] == 0)


def records_first(pid: int) -> bool:
    """Whether this process writes segments of the first camera."""
    files = (Path("/proc") / str(pid) / "fd").iterdir()
    return any("/footage/cam-0/" in str(path.readlink()) for path in files if path.exists())


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
                f"{args.cameras} cameras of {profile.bit_rate_bps / 1000:.0f} kbit/s, {args.room} to a process: {len(pids)} processes;"
                f" {cost.core_percent / args.cameras:.3f} % of a core a camera, {memory:.1f} MB a camera, {cost.pss_bytes / 1e6:.0f} MB in all"
                f" ({each[0]:.0f} to {each[-1]:.0f} a process), {cost.threads} threads"
            )
            counts = Counter(worker_of(server, id_) for id_ in ids)
            print("cameras of each: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
            return abort(server, ids, args.settle, profile.group_s, verbose=args.verbose)
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
    parser.add_argument("--settle", type=float, default=15, help="seconds after the abort")
    parser.add_argument("--verbose", action="store_true", help="what the server logged from the abort on")
    parser.add_argument("--dir", type=Path, help="where footage goes meanwhile")
    args = parser.parse_args()
    print(describe())
    return 0 if measure(args, _PROFILES[args.profile], baseline_bytes(args.dir, workers=1)) else 1


if __name__ == "__main__":
    sys.exit(main())
