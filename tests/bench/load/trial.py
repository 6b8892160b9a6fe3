"""The real server recording a load: starting both, measuring the recorders, and the verdict on what they wrote."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.load.fleet import Fleet
from tests.bench.load.material import Profile, clip
from tests.bench.load.verify import Verdict, verify
from tests.bench.measure import Usage, usage
from tests.support.server import Server

__all__ = ["HD", "LOW", "MID", "Cost", "Trial", "baseline_bytes", "folder", "trial"]

HD = Profile(1920, 1080, 25, 4_000_000)
MID = Profile(640, 360, 15, 512_000)
LOW = Profile(320, 180, 5, 64_000)

_RECORDER = "nvr.recorder"


@dataclass(frozen=True, slots=True)
class Cost:
    """What was used over some time. ``core_percent``: of one core, all recorders together; ``generator_percent``: the
    load itself; ``late_ms``: how far it was behind at most."""

    core_percent: float
    pss_bytes: int
    generator_percent: float
    late_ms: float
    overruns: int
    descriptors: int
    threads: int


@dataclass(slots=True)
class Trial:
    """A server that records a load. ``began_s``: when its command was given, Unix time."""

    folder: Path
    fleet: Fleet
    server: Server
    began_s: float = 0.0
    until: float | None = field(default=None)

    def recorders(self) -> list[int]:
        """The workers' process ids."""
        return self.server.children(_RECORDER)

    def until_playing(self, count: int, timeout_s: float) -> float:
        """Waits until so many cameras are read, and then for the page, which comes after them; returns the seconds that
        cameras took."""
        began = time.monotonic()
        self.server.until(
            lambda: self.fleet.tell("stats")["playing"] >= count, timeout_s=timeout_s, what=f"{count} cameras playing"
        )
        passed = time.monotonic() - began
        self.server.until(lambda: "page at" in self.server.log.read_text(), what="the page")
        return passed

    def cost(self, seconds: float) -> Cost:
        """Measures the recorders, and the generator beside, for so long."""
        pids = self.recorders()
        before, load = usage(pids, memory=False), self.fleet.tell("stats")
        began = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        after, later = usage(pids), self.fleet.tell("stats")
        return _cost(before, after, load, later, passed)

    def stop(self) -> None:
        """Ends the server in order."""
        self.until = time.time()
        self.server.stop(120)

    def verdict(self) -> Verdict:
        """What was recorded against what was sent. After ``stop``."""
        sent = self.fleet.log(self.folder / "sent.jsonl")
        clips = [clip(profile) for profile in self.fleet.profiles]
        return verify(self.folder / "data" / "footage", sent, clips, until=self.until)


def _cost(before: Usage, after: Usage, load: dict[str, float], later: dict[str, float], passed: float) -> Cost:
    return Cost(
        (after.cpu_s - before.cpu_s) / passed * 100,
        after.pss_bytes,
        (later["cpu_s"] - load["cpu_s"]) / passed * 100,
        later["late_ms"],
        int(later["overruns"]),
        after.descriptors,
        after.threads,
    )


@contextmanager
def folder(where: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="nvr-bench-", dir=where))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def trial(
    where: Path | None,
    count: int,
    *profiles: Profile,
    source: str = "native",
    segment_duration: str = "30s",
    workers: int = 2,
    beside: Sequence[Mapping[str, Any]] = (),
) -> Iterator[Trial]:
    """A server that records ``count`` cameras of a load, and those of other tables ``beside``. Both are gone
    afterwards, with all files."""
    with folder(where) as made, Fleet(*profiles) as fleet:
        cameras = [
            {"id": f"cam-{n}", "url": fleet.url(n), "source": source, "audio": profiles[0].audio} for n in range(count)
        ]
        server = Server(made, [*cameras, *beside], segment_duration=segment_duration, workers=workers)
        began_s = time.time()
        server.start()
        try:
            # Its schema may be that of another checkout.
            server.until(server.catalogue.exists, timeout_s=60, what="the catalogue")
            yield Trial(made, fleet, server, began_s)
        finally:
            if server.process is not None and server.process.poll() is None:
                server.stop(120)


def baseline_bytes(where: Path | None, workers: int = 2) -> int:
    """What the workers need without cameras."""
    with trial(where, 0, LOW, workers=workers) as idle:
        time.sleep(3)
        return usage(idle.recorders()).pss_bytes
