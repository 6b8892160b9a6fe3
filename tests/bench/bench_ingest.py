"""What does recording a camera cost, beside ``ffmpeg -c copy -f segment``?

``python -m tests.bench.bench_ingest`` (``make bench-ingest``). The server with its native source and as many FFmpeg
processes as cameras record at the same time, each from a generator of its own, since the cost of the same work changes
from minute to minute on a shared machine; ``--in-turn``: one after the other. The ``av`` source follows, for
information. CPU is that of the recorder workers (all their threads) or of the FFmpeg processes, over the same time,
after a warm-up; memory is PSS, without what the workers need for no camera. Every frame recorded by the server is
compared with what its camera sent. Exit code 1 if a target is not met or a frame is missing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load.fleet import Fleet
from tests.bench.load.material import Profile
from tests.bench.load.trial import HD, MID, baseline_bytes, folder, trial
from tests.bench.load.verify import Verdict
from tests.bench.machine import describe
from tests.bench.measure import ratio, usage

CPU_RATIO = 0.35
MEMORY_MB = 1.5


@dataclass(frozen=True)
class Measured:
    """Of one run: per cent of a core and megabytes a camera."""

    way: str
    cameras: int
    profile: Profile
    cpu: float
    memory_mb: float
    generator: float
    late_ms: float
    verdict: Verdict | None

    def row(self) -> str:
        """As a line of the table."""
        load = f"{self.cameras} × {self.profile.bit_rate_bps // 1000} kbit/s, {self.profile.frame_rate} fps"
        said = (
            "–"
            if self.verdict is None
            else f"{self.verdict.frames} compared; {self.verdict.lost}, {self.verdict.twice}, {self.verdict.damaged}"
        )
        return (
            f"| {load} | {self.way} | {self.cpu:.3f} % | {self.memory_mb:.2f} MB | {said} | "
            f"{self.generator:.1f} %, {self.late_ms:.0f} ms |"
        )


HEAD = (
    "| load | way | CPU a camera | memory a camera | frames; lost, twice, damaged | generator: CPU, latest |\n"
    "| --- | --- | --- | --- | --- | --- |"
)


def ours(
    args: argparse.Namespace,
    count: int,
    profile: Profile,
    source: str,
    idle_bytes: int,
    beside: AbstractContextManager[object] | None = None,
) -> Measured:
    """The server with this source; ``beside`` is entered while it is measured."""
    with trial(args.dir, count, profile, source=source, workers=args.workers) as run:
        run.until_playing(count, 30 + count)
        time.sleep(args.warm)
        with beside or nullcontext():
            cost = run.cost(args.seconds)
        run.stop()
        verdict = run.verdict()
    memory = max(0, cost.pss_bytes - idle_bytes) / count / 1e6
    if not verdict.good:
        print(verdict)
    if cost.overruns:
        print(f"{source}: {cost.overruns} frames could not be sent, since nobody read them")
    return Measured(
        source, count, profile, cost.core_percent / count, memory, cost.generator_percent, cost.late_ms, verdict
    )


@contextmanager
def ffmpegs(args: argparse.Namespace, count: int, profile: Profile) -> Iterator[tuple[Fleet, list[int]]]:
    """A process a camera, all of them recording; their generator and their ids."""
    with folder(args.dir) as made, Fleet(profile) as fleet:
        processes = []
        try:
            for number in range(count):
                command = [
                    "ffmpeg",
                    "-nostdin",
                    "-loglevel",
                    "error",
                    "-rtsp_transport",
                    "tcp",
                    "-i",
                    fleet.url(number),
                ]
                command += ["-c", "copy", "-f", "segment", "-segment_time", "30", "-segment_format", "mp4"]
                # What it says of pictures before the first keyframe is not of interest.
                processes.append(
                    subprocess.Popen([*command, str(made / f"{number}-%05d.mp4")], stderr=subprocess.DEVNULL)
                )
                time.sleep(0.05)
            deadline = time.monotonic() + 60
            while fleet.tell("stats")["playing"] < count:
                assert time.monotonic() < deadline, "ffmpeg did not begin"
                time.sleep(0.2)
            yield fleet, [process.pid for process in processes]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


class Theirs:
    """What FFmpeg's processes use between entering and leaving."""

    def __init__(self, count: int, profile: Profile, fleet: Fleet, pids: list[int]) -> None:
        self._count = count
        self._profile = profile
        self._fleet = fleet
        self._pids = pids
        self.measured: Measured | None = None

    def __enter__(self) -> None:
        self._before, self._load = usage(self._pids, memory=False), self._fleet.tell("stats")
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        passed = time.monotonic() - self._began
        after, later = usage(self._pids), self._fleet.tell("stats")
        cpu = (after.cpu_s - self._before.cpu_s) / passed * 100 / self._count
        generator = (later["cpu_s"] - self._load["cpu_s"]) / passed * 100
        memory_mb = after.pss_bytes / self._count / 1e6
        self.measured = Measured(
            "ffmpeg", self._count, self._profile, cpu, memory_mb, generator, later["late_ms"], None
        )


def by_turns(args: argparse.Namespace, count: int, idle_bytes: int) -> list[Measured]:
    """The server alone, then FFmpeg alone."""
    mine = ours(args, count, HD, "native", idle_bytes)
    with ffmpegs(args, count, HD) as (fleet, pids):
        time.sleep(args.warm)
        theirs = Theirs(count, HD, fleet, pids)
        with theirs:
            time.sleep(args.seconds)
    assert theirs.measured is not None
    return [mine, theirs.measured]


def together(args: argparse.Namespace, count: int, idle_bytes: int) -> list[Measured]:
    """Both at once: what else the machine does, it does to both."""
    with ffmpegs(args, count, HD) as (fleet, pids):
        theirs = Theirs(count, HD, fleet, pids)
        mine = ours(args, count, HD, "native", idle_bytes, theirs)
    assert theirs.measured is not None
    return [mine, theirs.measured]


def judge(found: list[Measured]) -> list[str]:
    """A line for each target: met or not."""
    lines = []
    for count in sorted({each.cameras for each in found if each.way == "ffmpeg"}):
        mine = [each for each in found if each.cameras == count and each.profile == HD and each.way == "native"]
        theirs = [each for each in found if each.cameras == count and each.way == "ffmpeg"]
        of = ratio(statistics.median(e.cpu for e in mine), statistics.median(e.cpu for e in theirs))
        memory = statistics.median(each.memory_mb for each in mine)
        lines.append(_line(of <= CPU_RATIO, f"{count} cameras: CPU {of:.2f} of FFmpeg's (at most {CPU_RATIO})"))
        lines.append(_line(memory <= MEMORY_MB, f"{count} cameras: {memory:.2f} MB a camera (at most {MEMORY_MB})"))
    faulty = [each for each in found if each.way == "native" and each.verdict is not None and not each.verdict.good]
    lines.append(_line(not faulty, "native: no frame lost, twice or damaged"))
    return lines


def _line(met: bool, what: str) -> str:
    return f"{'met' if met else 'NOT MET'}: {what}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", default="20,50", help="how many of 1080p, 4 Mbit/s, 25 fps; several with commas")
    parser.add_argument("--seconds", type=float, default=40, help="how long each is measured")
    parser.add_argument("--warm", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=2, help="of native and ffmpeg; the median counts")
    parser.add_argument("--in-turn", action="store_true", help="native and ffmpeg one after the other, not at once")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-av", action="store_true", help="leave the av source out")
    parser.add_argument("--no-large", action="store_true", help="leave 200 × 4 Mbit/s and 500 × 512 kbit/s out")
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    idle_bytes = baseline_bytes(args.dir, args.workers)
    print(
        f"workers without cameras: {idle_bytes / 1e6:.0f} MB; {args.seconds:.0f} s measured after {args.warm:.0f} s\n"
    )
    print(HEAD, flush=True)
    found: list[Measured] = []

    def add(measured: Measured) -> None:
        found.append(measured)
        print(measured.row(), flush=True)

    for count in [int(text) for text in args.cameras.split(",")]:
        for _ in range(args.rounds):
            for measured in (by_turns if args.in_turn else together)(args, count, idle_bytes):
                add(measured)
        if not args.no_av:
            add(ours(args, count, HD, "av", idle_bytes))
    if not args.no_large:
        add(ours(args, 500, MID, "native", idle_bytes))
        add(ours(args, 200, HD, "native", idle_bytes))
    lines = judge(found)
    print("\n" + "\n".join(lines))
    sys.exit(any(line.startswith("NOT") for line in lines))


if __name__ == "__main__":
    main()
