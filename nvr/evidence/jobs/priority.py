"""Copying footage must never be felt by recording: priorities of the process, and a pace that gives way."""

from __future__ import annotations

import ctypes
import logging
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nvr import niceness

__all__ = ["ExportPace", "give_way", "io_pressure"]

log = logging.getLogger(__name__)

_NICENESS: Final = 15
# ioprio_set(2): system call numbers by machine; class "idle" in the upper bits.
_IOPRIO_SET: Final = {"x86_64": 251, "aarch64": 30, "riscv64": 30}
_IDLE_CLASS: Final = 3 << 13
_PRESSURE: Final = Path("/proc/pressure/io")
# Per cent of the last ten seconds in which somebody waited for a disk.
_BUSY_PERCENT: Final = 20.0
_LOOK_S: Final = 1.0
_BUSY_SHARE: Final = 8


def give_way() -> None:
    """Lowers this process below recording, for processors and disks. What the system does not allow is left as it
    is."""
    niceness.lower(_NICENESS)
    number = _IOPRIO_SET.get(platform.machine())
    if number is None or ctypes.CDLL(None, use_errno=True).syscall(number, 1, 0, _IDLE_CLASS) != 0:
        log.debug("the priority for disks can't be lowered here")


def io_pressure() -> float:
    """Per cent of the last ten seconds in which something waited for a disk; 0 where the kernel does not tell."""
    try:
        first = _PRESSURE.read_text(encoding="ascii").split()
        return float(next(word for word in first if word.startswith("avg10=")).removeprefix("avg10="))
    except (OSError, StopIteration, ValueError):
        return 0.0


class ExportPace:
    """Keeps copying to ``bytes_per_s``, and to an eighth of that while disks are busy. ``ending`` cuts a wait short."""

    def __init__(
        self,
        bytes_per_s: int,
        ending: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
        pressure: Callable[[], float] = io_pressure,
    ) -> None:
        self._full = bytes_per_s
        self._ending = ending
        self._clock, self._pressure = clock, pressure
        self._due = self._looked = clock()
        self._rate = float(bytes_per_s)

    def __call__(self, count: int) -> None:
        """Waits until ``count`` more bytes are due."""
        now = self._clock()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            busy = self._pressure() > _BUSY_PERCENT
            self._rate = self._full / (_BUSY_SHARE if busy else 1)
        # What was not used is not saved up: there must be no burst.
        self._due = max(self._due, now) + count / self._rate
        if self._due > now:
            self._ending.wait(self._due - now)
