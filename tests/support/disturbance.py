"""What befell the machine while a test ran: its wall clock was set, or the test's process was not let run.

The host of a virtual machine sets its clock (by 4.08 s once) and lets it stand still for seconds. What was recorded
meanwhile says so, rightly (``clock_step``, ``overload``, ``stalled``), and a test of quiet weather fails. A test that
failed while such a thing was measured runs once more; the reason and the first failure are printed with the result.
Invariant: what a test does itself is no disturbance. Processor time that its process took is no standing still, and the
clock that counts is the machine's, not one that a test gives to its processes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, process_time, time
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

__all__ = ["Clocks", "Disturbances", "Watch", "befell"]

# Under this name a test that ran twice records why.
_AGAIN: Final = "ran again"
_LOOK_S: Final = 0.25
# Times that tests compare are told to a hundredth of a second and better; what they allow for is more than this.
_STEP_S: Final = 0.05
# The shortest time after which a camera of a test counts as silent is a second.
_STILL_S: Final = 0.7


@dataclass(frozen=True, slots=True)
class Clocks:
    """Readings of one moment, seconds."""

    wall_s: float
    monotonic_s: float
    processor_s: float

    @staticmethod
    def read() -> Clocks:
        """Reads them so that nothing comes in between."""
        while True:
            before_s, wall_s, after_s = monotonic(), time(), monotonic()
            if after_s - before_s < _STEP_S / 10:
                return Clocks(wall_s, after_s, process_time())


def befell(before: Clocks, now: Clocks, expected_s: float) -> list[str]:
    """What happened between two readings that were to be ``expected_s`` apart."""
    apart_s = now.monotonic_s - before.monotonic_s
    found = []
    if abs(step_s := now.wall_s - before.wall_s - apart_s) > _STEP_S:
        found.append(f"the clock of this machine was set by {step_s:+.2f} s")
    if (still_s := apart_s - expected_s - (now.processor_s - before.processor_s)) > _STILL_S:
        found.append(f"the process of the test was not let run for {still_s:.1f} s")
    return found


@dataclass
class Watch:
    """Looks at the clocks all the time, in a thread of its own, from ``start`` to the end of the process."""

    read: Callable[[], Clocks] = Clocks.read
    found: list[str] = field(default_factory=list)
    _last: Clocks | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Starts the thread."""
        threading.Thread(target=self._run, name="disturbance", daemon=True).start()

    def look(self, expected_s: float = 0.0) -> int:
        """Looks once; returns how much was found so far. ``expected_s``: how long the look before was ago, if nothing
        happened."""
        with self._lock:
            now = self.read()
            if self._last is not None:
                self.found += befell(self._last, now, expected_s)
            self._last = now
            return len(self.found)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(_LOOK_S):
            self.look(_LOOK_S)


class Disturbances:
    """The plugin of pytest."""

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch or Watch()

    def pytest_sessionstart(self) -> None:
        self._watch.start()

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Runs a test, and once more if it failed while the machine was disturbed."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        so_far = self._watch.look(_LOOK_S)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        why = self._watch.found[so_far : self._watch.look(_LOOK_S)]
        failed = next((report for report in reports if report.failed), None)
        if failed is not None and why:
            told = "; ".join(dict.fromkeys(why))
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
            for report in reports:
                report.sections.append((_AGAIN, f"{told}; {failed.when} of the first run:\n{failed.longreprtext}"))
                report.user_properties.append((_AGAIN, told))
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Which tests ran twice, why, and how they failed first."""
        told: dict[str, str] = {}
        for reports in terminalreporter.stats.values():
            for report in reports:
                if (why := dict(getattr(report, "user_properties", ())).get(_AGAIN)) is not None:
                    first = dict(report.sections)[_AGAIN].rstrip().rpartition("\n")[2]
                    told[report.nodeid] = f"{report.nodeid}: {why}; it had failed with {first}"
        if told:
            terminalreporter.section("ran again, since the machine was disturbed")
            for line in told.values():
                terminalreporter.write_line(line)
