"""Kernel, clock, limits and memory of the machine. What is measured and what is made of it are apart: the second is
pure."""

from __future__ import annotations

import platform
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nvr.alerting.clock import synchronised
from nvr.doctor.finding import DoctorFinding, good, notice, unknown, wrong
from storage.sentences import Sentence

__all__ = ["clock", "descriptors", "examine_machine", "kernel", "limit_of", "memory"]

# Before, the kernel did not tell syncfs(2) of writes that were lost.
_KERNEL: Final = (5, 8)
# A socket, once more for the extension, and a file a camera, and all twice for a moment when it moves to another
# worker; and what else a process has open.
_PER_CAMERA: Final = 6
_BESIDES: Final = 512
_LEAST_FREE: Final = 0.1
# Where services say that they keep the clock.
_KEEPERS: Final = (Path("/run/systemd/timesync/synchronized"), Path("/run/chrony"), Path("/run/ntpd.sock"))


def examine_machine(cameras: int, server: int | None, proc: Path = Path("/proc")) -> Iterator[DoctorFinding]:
    """Looks. ``cameras``: how many there are; ``server``: the process id of the server, if it runs."""
    yield kernel(platform.release())
    yield clock(synchronised(), is_kept=any(path.exists() for path in _KEEPERS))
    limit = limit_of(server, proc) if server is not None else resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    yield descriptors(limit, cameras, of_server=server is not None)
    yield memory((proc / "meminfo").read_text(encoding="ascii"))


def kernel(release: str) -> DoctorFinding:
    """By its release, such as ``6.1.0-18-amd64``."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", release)[:2])
    if numbers < _KERNEL:
        return notice(
            "kernel",
            Sentence("Linux {release} does not report every write that a disk lost", release=release),
            Sentence("use Linux 5.8 or later"),
        )
    return good("kernel", Sentence("Linux {release}", release=release))


def clock(is_synchronised: bool | None, *, is_kept: bool) -> DoctorFinding:
    """By the kernel; ``is_kept``: whether a service that keeps clocks is there."""
    if is_synchronised is None:
        return unknown("clock", Sentence("the kernel does not say whether the clock is synchronised"))
    if is_synchronised:
        return good("clock", Sentence("the clock is synchronised"))
    what = Sentence("THE CLOCK IS NOT SYNCHRONISED: footage may be dated wrong, and none is deleted by age")
    if is_kept:
        return wrong("clock", what, Sentence("let the time service reach its server (timedatectl, chronyc sources)"))
    return wrong("clock", what, Sentence("install a time service: apt-get install chrony"))


def limit_of(pid: int, proc: Path = Path("/proc")) -> int:
    """How many files a process may have open, at most.

    Raises:
        OSError: it can't be asked.
    """
    for line in (proc / str(pid) / "limits").read_text(encoding="ascii").splitlines():
        if line.startswith("Max open files"):
            value = line.split()[4]
            return resource.RLIM_INFINITY if value == "unlimited" else int(value)
    return resource.RLIM_INFINITY


def descriptors(limit: int, cameras: int, *, of_server: bool) -> DoctorFinding:
    """By the hard limit of a process, which each recorder takes for itself."""
    needed = _BESIDES + _PER_CAMERA * cameras
    whose = Sentence("the server") if of_server else Sentence("a program of this shell")
    if 0 <= limit < needed:
        return wrong(
            "open_files",
            Sentence(
                "{whose} may open {limit} files, and {cameras} cameras may need {needed}",
                whose=whose,
                limit=limit,
                cameras=cameras,
                needed=needed,
            ),
            Sentence("set LimitNOFILE={needed} in the service's unit", needed=needed),
        )
    what = Sentence("{whose} may open enough files for {cameras} cameras", whose=whose, cameras=cameras)
    return good("open_files", what)


def memory(meminfo: str) -> DoctorFinding:
    """By ``/proc/meminfo``, in kB."""
    found = {match[1]: int(match[2]) for match in re.finditer(r"(\w+):\s+(\d+) kB", meminfo)}
    total, available = found.get("MemTotal", 0), found.get("MemAvailable")
    if available is None or not total:
        return unknown("memory", Sentence("the kernel does not say how much memory is left"))
    values = {"available": available // 1024, "total": total // 1024}
    if available < total * _LEAST_FREE:
        return notice(
            "memory",
            Sentence("{available} of {total} MB of memory are left", **values),
            Sentence("look for what takes it; recorders that are swapped out lose frames"),
        )
    return good("memory", Sentence("{available} of {total} MB of memory are left", **values))
