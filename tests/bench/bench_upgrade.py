"""An upgrade from the released version and back while cameras record, and killed at every step: what does it cost?

``python -m tests.bench.bench_upgrade`` (``make bench-upgrade``): the released version records 20 cameras; it is stopped
and this version started, and after that the way back. Then the same again for each step of the upgrade and of the way
back, at which the program is killed and called again. At the end every recorded frame is compared with what its camera
sent, files with the catalogue, byte for byte, and each second without footage has to have its cause. Prints the longest
break in recording of each change of version, as the report of gaps has it. Exit code 1 if a frame is lost, a cause is
another than ``server_down``, or a change of version that nobody disturbed broke a recording for more than ``--most``.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.load.fleet import Fleet
from tests.bench.load.material import Profile
from tests.bench.load.trial import Trial, folder
from tests.bench.machine import describe
from tests.support.releases import ReleasedServer, release_tree
from tests.support.server import NVR, now_us

__all__ = ["Course", "main"]

_RELEASE: Final = "0.1.0"
_PROFILE: Final = Profile(320, 180, 15, 200_000)
_PATIENCE_S: Final = 240.0
_NEVER: Final = 1_000_000
# So many steps each way has at least.
_STEPS_UP, _STEPS_BACK = 12, 6
# Runs a command of this version, and kills it when it comes to the step of this number. Writes each step's name.
_KILLER: Final = """
import os, signal, sys
from storage.catalogue.migrations import migrations
from storage.upgrade import back, forward
number, told, seen = int(sys.argv.pop(1)), open(sys.argv.pop(1), "w"), 0
def step(name):
    global seen
    seen += 1
    print(name, file=told, flush=True)
    if seen == number:
        os.kill(os.getpid(), signal.SIGKILL)
def around(real, label):
    def wrapped(*args, **more):
        step(f"before {label}")
        made = real(*args, **more)
        step(f"after {label}")
        return made
    return wrapped
for owner, names in ((forward, ("backup", "mark", "unmark", "prune")), (back, ("_copy", "_keep", "unmark"))):
    for name in names:
        setattr(owner, name, around(getattr(owner, name), name.strip("_")))
for one in migrations._migrations:
    one.fn = around(one.fn, one.name)
from nvr.cli import main
main()
"""


@dataclass(slots=True)
class Change:
    """A change of version: what it was, and when; ``longest_s``: the longest break in a camera's recording by it."""

    what: str
    began_us: int
    ended_us: int
    longest_s: float = 0.0


@dataclass(slots=True)
class Course:
    """Cameras recorded by one version after the other."""

    server: ReleasedServer
    tree: Path
    cameras: int
    changes: list[Change] = field(default_factory=list)

    def up(self, kill_at: int = 0) -> list[str]:
        """To this version; with a number, ``nvr upgrade`` is killed at its step of this number before. Returns the
        steps that it did."""
        began_us = now_us()
        assert self.server.stop(120) == 0
        steps = self._killed(kill_at, "upgrade") if kill_at else []
        before = self._files()
        self.server.start()
        self._until_recording(before)
        self._note("up", began_us, steps if kill_at < _NEVER else [])
        return steps

    def back(self, kill_at: int = 0) -> list[str]:
        """To the version before; as ``up``."""
        began_us = now_us()
        assert self.server.stop(120) == 0
        steps = self._killed(kill_at, "upgrade", "--back", "--yes") if kill_at else []
        command = [NVR, "upgrade", "--back", "--yes", "--config", self.server.config]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        before = self._files()
        self.server.run_as(self.tree)
        self._until_recording(before)
        self._note("back", began_us, steps if kill_at < _NEVER else [])
        return steps

    def begin(self) -> None:
        """The released version records."""
        self.server.run_as(self.tree)
        self._until_recording(0)
        # Some closed segments, to be carried over.
        self.server.until(lambda: self._files() >= 3 * self.cameras, timeout_s=_PATIENCE_S, what="some footage")

    def measure(self, since_us: int) -> list[str]:
        """Fills in the breaks; returns what is wrong with what the catalogue says of this time. This version runs."""
        wrong, until_us = [], now_us()
        for number in range(self.cameras):
            found = self.server.coverage(f"cam-{number}", since_us, until_us)
            begins = found.spans[0][0] if found.spans else until_us
            for gap in found.gaps:
                if gap.end_us <= begins:
                    continue
                at = [one for one in self.changes if gap.start_us < one.ended_us and gap.end_us > one.began_us]
                if gap.cause.value != "server_down" or not at:
                    wrong.append(f"cam-{number}: {gap.cause.value} for {(gap.end_us - gap.start_us) / 1e6:.1f} s")
                for one in at:
                    one.longest_s = max(one.longest_s, (gap.end_us - gap.start_us) / 1e6)
        done = subprocess.run([NVR, "check", "--hash", "--config", self.server.config], capture_output=True, text=True)
        if not done.stdout.endswith("nothing wrong\n"):
            wrong.append(done.stdout + done.stderr)
        return wrong

    def _note(self, what: str, began_us: int, steps: list[str]) -> None:
        self.changes.append(Change(f"{what}, killed {steps[-1]}" if steps else what, began_us, now_us()))

    def _killed(self, number: int, *command: str) -> list[str]:
        told = self.server.folder / "steps"
        done = subprocess.run(
            [sys.executable, "-c", _KILLER, str(number), told, *command, "--config", self.server.config],
            capture_output=True,
            text=True,
        )
        steps = told.read_text().splitlines()
        assert done.returncode == -signal.SIGKILL or len(steps) < number, done.stderr
        return steps

    def _files(self) -> int:
        return sum(1 for _ in (self.server.folder / "data" / "footage").rglob("*.mp4"))

    def _until_recording(self, before: int) -> None:
        """Each camera has begun a file."""
        self.server.until(
            lambda: self._files() >= before + self.cameras, timeout_s=_PATIENCE_S, what="all cameras recorded"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3, help="changes of version that nobody disturbs, each way")
    parser.add_argument("--kills", type=int, default=0, help="so many steps by chance; 0: every one")
    parser.add_argument("--short", action="store_true", help="once up and once back, each killed at a step by chance")
    parser.add_argument("--most", type=float, default=5.0, help="seconds that an undisturbed change may cost a camera")
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to record to")
    args = parser.parse_args()
    print(describe())
    with folder(args.dir) as made, Fleet(_PROFILE) as fleet:
        tree = release_tree(_RELEASE, made)
        if tree is None:
            sys.exit("this is no checkout with its history: the released version's sources can't be had")
        cameras = [{"id": f"cam-{n}", "url": fleet.url(n)} for n in range(args.cameras)]
        course = Course(ReleasedServer(made, cameras, segment_duration="5s"), tree, args.cameras)
        try:
            since_us = now_us()
            course.begin()
            if args.short:
                course.up(random.randint(1, _STEPS_UP))
                course.back(random.randint(1, _STEPS_BACK))
            else:
                for _ in range(args.rounds):
                    course.up()
                    course.back()
                for way in ("up", "back"):
                    _kill_all(course, way, args.kills)
            course.up()
            wrong = course.measure(since_us)
            trial = Trial(made, fleet, course.server)
            trial.stop()
            verdict = trial.verdict()
        finally:
            if course.server.process is not None and course.server.process.poll() is None:
                course.server.stop(120)
    print(f"\n| change, {args.cameras} cameras | longest break of a camera, s |\n| --- | --- |")
    for change in course.changes:
        print(f"| {change.what} | {change.longest_s:.1f} |")
    quiet = [change.longest_s for change in course.changes if change.what in ("up", "back")]
    killed = [change.longest_s for change in course.changes if change.what not in ("up", "back")]
    print(f"\nundisturbed: {max(quiet):.1f} s at most; killed and called again: {max(killed, default=0):.1f} s at most")
    print(verdict)
    print("\n".join(wrong) or "files and catalogue: nothing wrong; every break is server_down")
    sys.exit(bool(wrong) or not verdict.good or max(quiet) > args.most)


def _kill_all(course: Course, way: str, most: int) -> None:
    """Kills at each step of one way, or at ``most`` of them, going the other way undisturbed."""
    go, return_ = (course.up, course.back) if way == "up" else (course.back, course.up)
    if way == "back":
        course.up()
    # To its end, to hear of the steps.
    steps = go(_NEVER)
    return_()
    numbers = range(1, len(steps) + 1)
    for number in sorted(random.sample(numbers, min(most, len(steps)))) if most else numbers:
        go(number)
        return_()
    if way == "back":
        course.back()


if __name__ == "__main__":
    main()
