"""What processes cost, out of /proc: CPU time, memory, descriptors, threads, and what they write."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Usage", "family", "module_of", "ratio", "usage"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over some processes. ``pss_bytes``: memory, that which is shared counted by its share; -1 where it was not
    asked for. ``written_bytes``: what goes to disks; ``calls``: of reading and writing, to files and connections."""

    cpu_s: float
    pss_bytes: int
    descriptors: int
    threads: int
    written_bytes: int = 0
    calls: int = 0


def usage(pids: Iterable[int], *, memory: bool = True) -> Usage:
    """What these processes use now. Memory costs the kernel a walk through the pages: not to be asked for often."""
    cpu_s, pss, descriptors, threads, written, calls = 0.0, 0, 0, 0, 0, 0
    for pid in pids:
        proc = Path("/proc") / str(pid)
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS
        threads += int(fields[17])
        descriptors += sum(1 for _ in (proc / "fd").iterdir())
        io = dict(line.split(": ") for line in (proc / "io").read_text().splitlines())
        written += int(io["write_bytes"])
        calls += int(io["syscr"]) + int(io["syscw"])
        if memory:
            line = next(line for line in (proc / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            pss += int(line.split()[1]) * 1024
    return Usage(cpu_s, pss if memory else -1, descriptors, threads, written, calls)


def family(pid: int) -> list[int]:
    """A process and all that it began, and those began."""
    children = defaultdict[int, list[int]](list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                children[int((entry / "stat").read_text().rpartition(")")[2].split()[1])].append(int(entry.name))
    found = [pid]
    for one in found:
        found += children[one]
    return found


def module_of(pid: int) -> str:
    """What a process runs: the module after Python's -m, or its command."""
    words = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    return words[words.index("-m") + 1] if "-m" in words[:-1] else Path(words[0]).name


def ratio(mine: float, of: float) -> float:
    """How much the one is of the other; not a number where the other is less than was measured at all, such as the
    processor's time of a camera in two seconds."""
    return mine / of if of else math.nan
