"""Does anything grow? Cameras come, go, stall, hang up and change resolution, for half an hour, through the real
server.

``python -m tests.bench.bench_soak`` (``make bench-soak``): a table over time of the recorders' memory, descriptors and
threads. Cameras are added and removed over HTTP. With ``--odd 40`` so many odd cameras record beside. At the end every
recorded frame is compared with what its camera sent, and what the workers hold is compared with what they held once
they were warm. Exit code 1 if memory, descriptors or threads have grown, or a frame is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.load.material import Profile
from tests.bench.load.odd import Odd
from tests.bench.load.trial import Trial, trial
from tests.bench.load.viewers import client
from tests.bench.machine import describe
from tests.bench.measure import Usage, usage

BIG = Profile(640, 360, 15, 512_000)
SMALL = Profile(320, 180, 15, 200_000)
# What memory may grow by from the first quarter's end on: caches that fill, a heap in pieces.
MEMORY_SHARE, MEMORY_BYTES = 0.10, 8_000_000


class Trouble:
    """What happens to the cameras, one thing every ``pause_s``."""

    def __init__(self, run: Trial, http: Any, cameras: int) -> None:
        self._run = run
        self._http = http
        self._all = list(range(cameras))
        self._added: list[int] = []
        self._next = cameras
        self._stalled: list[int] = []
        self._random = random.Random(1)
        self.counts: dict[str, int] = {}

    def step(self) -> None:
        """Something."""
        what = self._random.choice((self.add, self.remove, self.stall, self.resume, self.hang_up, self.change))
        what()
        self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1

    def add(self) -> None:
        """A camera comes."""
        number, self._next = self._next, self._next + 1
        body = {"id": f"cam-{number}", "url": self._run.fleet.url(number)}
        self._http.post("/api/cameras", json=body).raise_for_status()
        self._added.append(number)

    def remove(self) -> None:
        """One of those goes again."""
        if self._added:
            number = self._added.pop(self._random.randrange(len(self._added)))
            self._http.delete(f"/api/cameras/cam-{number}").raise_for_status()

    def stall(self) -> None:
        """Some send nothing any more."""
        chosen = self._random.sample(self._all, 2)
        self._stalled += chosen
        self._run.fleet.tell("stall", chosen)

    def resume(self) -> None:
        """All send again."""
        self._run.fleet.tell("resume", self._stalled)
        self._stalled = []

    def hang_up(self) -> None:
        """Some close their connection."""
        self._run.fleet.tell("hang up", self._random.sample(self._all, 3))

    def change(self) -> None:
        """Some change their resolution at their next keyframe."""
        self._run.fleet.tell("change", self._random.sample(self._all, 3))

    def settle(self) -> None:
        """All is well again, and the cameras are those of the beginning."""
        self.resume()
        while self._added:
            self.remove()


def row(at_s: float, found: Usage, playing: int, counts: dict[str, int]) -> str:
    """A line of the table."""
    events = " ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return (
        f"| {at_s / 60:.1f} | {playing} | {found.pss_bytes / 1e6:.1f} MB | {found.descriptors} | {found.threads} |"
        f" {events} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two things that happen")
    parser.add_argument("--odd", type=int, default=0, help="odd cameras beside: the others must lose nothing by them")
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    with (
        Odd(args.odd) if args.odd else contextlib.nullcontext() as odd,
        trial(args.dir, args.cameras, BIG, SMALL, segment_duration="20s", beside=odd.tables if odd else ()) as run,
    ):
        run.until_playing(args.cameras, 60)
        http = client(run.server)
        trouble = Trouble(run, http, args.cameras)
        print(
            "| minute | cameras playing | memory | descriptors | threads | what happened |\n"
            "| --- | --- | --- | --- | --- | --- |"
        )
        length_s = args.minutes * 60
        began = time.monotonic()
        samples: list[tuple[float, Usage]] = []
        next_look, pids = 0.0, run.recorders()
        while (at_s := time.monotonic() - began) < length_s:
            if at_s >= next_look:
                next_look += length_s / 20
                found = usage(pids)
                samples.append((at_s, found))
                print(row(at_s, found, run.fleet.tell("stats")["playing"], trouble.counts), flush=True)
            trouble.step()
            time.sleep(args.pause)
        trouble.settle()
        run.until_playing(args.cameras, 90)
        # Retries and stalled connections of the last minute have come to their end.
        time.sleep(15)
        last, playing = usage(pids), run.fleet.tell("stats")["playing"]
        print(row(time.monotonic() - began, last, playing, trouble.counts))
        # Where odd cameras fall back to FFmpeg, workers are added for them.
        same = set(pids) <= set(run.recorders())
        # A socket, the copy that the extension reads, and a file a camera, and what a worker without any has.
        idle = usage(pids).descriptors - 3 * (args.cameras + args.odd)
        run.stop()
        verdict = run.verdict()
    warm = max(found.pss_bytes for at_s, found in samples if at_s <= length_s / 4 + 1)
    grown = last.pss_bytes - warm
    lines = []

    def target(met: bool, what: str) -> None:
        lines.append(f"{'met' if met else 'NOT MET'}: {what}")
        print(lines[-1])

    print(f"\n{verdict}\n")
    target(
        verdict.good, f"{verdict.frames} frames: {verdict.lost} lost, {verdict.twice} twice, {verdict.damaged} damaged"
    )
    target(
        grown <= max(MEMORY_SHARE * warm, MEMORY_BYTES),
        f"memory: {grown / 1e6:+.1f} MB since the first quarter's most, {warm / 1e6:.1f} MB",
    )
    target(
        idle <= 60 and playing == args.cameras,
        f"descriptors: {last.descriptors} for {playing} cameras, three each and {idle} besides",
    )
    pool = min(32, (os.cpu_count() or 1) + 4)
    target(
        last.threads <= samples[0][1].threads + pool * len(pids),
        f"threads: {samples[0][1].threads} at first,"
        f" {last.threads} at the end (a worker's own pool may come to {pool})",
    )
    target(same, "no worker died")
    sys.exit(any(line.startswith("NOT") for line in lines))


if __name__ == "__main__":
    main()
