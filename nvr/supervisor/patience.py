"""How long a recorder may be silent before it is taken for hung: by time in which it could have spoken, not by the
clock.

On a machine that is too busy (all starts at once after a power cut, with nothing in memory) a worker says nothing for
long and is well: killing it makes the machine busier. Invariant: a process that neither waits for a processor nor for a
disk is given up after its time; one that does, not before that in all.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

__all__ = ["SILENT_S", "STARTING_S", "Patience", "Stalls", "longer"]

SILENT_S: Final = 15.0
"""A worker beats every second. One that is silent for this long hangs."""
STARTING_S: Final = 60.0
"""It reads all of its code before its first word."""
_LONGEST_SILENCE_S: Final = 60.0
# By the turns of the supervisor's loop, which are a second: however busy the machine is, then it is given up.
_LAST_S: Final = 300.0


class Stalls:
    """What part of the time since it was last asked a process wanted to run, or to read, and could not. Asked once a
    second at most."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        # By thread: how long it had a processor, and waited for one, nanoseconds.
        self._waited: dict[str, tuple[int, int]] = {}
        self._pressure_us = 0

    def share(self, pid: int, passed_s: float) -> float:
        """Of the thread of the process that waited most: between 0 and 1. What a kernel does not tell counts as not
        waited, but for what it says of the whole machine."""
        waited: dict[str, tuple[int, int]] = {}
        share = 0.0
        with contextlib.suppress(OSError):
            for thread in (self._proc / str(pid) / "task").iterdir():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    had, delay = (thread / "schedstat").read_text().split()[:2]
                    waited[thread.name] = int(had), int(delay)
        before, self._waited = self._waited, waited
        for name, (had_ns, delay_ns) in waited.items():
            if name not in before:
                continue
            had_before, delay_before = before[name]
            share = max(share, (delay_ns - delay_before) / 1e9 / passed_s)
            if _state(self._proc / str(pid) / "task" / name) == "R":
                # A wait is counted when it is over. This one has a processor or waits for it.
                share = max(share, 1.0 - (had_ns - had_before) / 1e9 / passed_s)
        if not waited:
            share = self._pressure(passed_s)
        if _state(self._proc / str(pid)) == "D":
            # In an uninterruptible wait, for a disk: it could not even be killed.
            return 1.0
        return min(1.0, max(0.0, share))

    def _pressure(self, passed_s: float) -> float:
        try:
            text = (self._proc / "pressure" / "cpu").read_text()
            total_us = int(text.partition("\n")[0].rpartition("total=")[2])
        except (OSError, ValueError):
            return 0.0
        before, self._pressure_us = self._pressure_us, total_us
        return (total_us - before) / 1e6 / passed_s if before else 0.0


def _state(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


class Patience:
    """One worker's. ``silence_s``: how long it may be silent once it has spoken."""

    def __init__(self, silence_s: float = SILENT_S) -> None:
        self.silence_s = silence_s
        self._stalls = Stalls()
        self._counted_s = 0.0
        self._passed_s = 0.0
        self._has_spoken = False

    @property
    def passed_s(self) -> float:
        """How long it has been silent, by turns."""
        return self._passed_s

    def heard(self) -> None:
        """It said something."""
        self._counted_s = self._passed_s = 0.0
        self._has_spoken = True

    def begins(self) -> None:
        """A process that waited is to begin; it has its code."""
        self._counted_s = self._passed_s = 0.0

    def turn(self, pid: int | None, passed_s: float = 1.0) -> bool:
        """One more turn of the supervisor's loop began; whether nothing was heard for too long now. It counts as a
        second whatever ``passed_s``: while the supervisor itself was held up nobody was heard."""
        stalled = self._stalls.share(pid, passed_s) if pid is not None else 0.0
        self._passed_s += 1.0
        self._counted_s += 1.0 - stalled
        patience_s = self.silence_s if self._has_spoken else max(STARTING_S, self.silence_s)
        return self._counted_s > patience_s or self._passed_s > _LAST_S


def longer(silence_s: float) -> float:
    """How long the next one may be silent after one was given up: it may be the machine after all."""
    return min(2 * silence_s, _LONGEST_SILENCE_S)
