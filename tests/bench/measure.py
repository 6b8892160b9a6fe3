"""What processes cost, out of /proc: CPU time, memory, descriptors, threads."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Usage", "ratio", "usage"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over some processes. ``pss_bytes``: memory, that which is shared counted by its share; -1 where it was not
    asked for."""

    cpu_s: float
    pss_bytes: int
    descriptors: int
    threads: int


def usage(pids: Iterable[int], *, memory: bool = True) -> Usage:
    """What these processes use now. Memory costs the kernel a walk through the pages: not to be asked for often."""
    cpu_s, pss, descriptors, threads = 0.0, 0, 0, 0
    for pid in pids:
        proc = Path("/proc") / str(pid)
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS
        threads += int(fields[17])
        descriptors += sum(1 for _ in (proc / "fd").iterdir())
        if memory:
            line = next(line for line in (proc / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            pss += int(line.split()[1]) * 1024
    return Usage(cpu_s, pss if memory else -1, descriptors, threads)


def ratio(mine: float, of: float) -> float:
    """How much the one is of the other; not a number where the other is less than was measured at all, such as the
    processor's time of a camera in two seconds."""
    return mine / of if of else math.nan
