"""What every benchmark prints first: the machine and the versions its numbers belong to."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import av
import numpy

__all__ = ["describe"]


def describe() -> str:
    """One line."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    ffmpeg = ".".join(map(str, av.library_versions["libavformat"]))
    return (
        f"{len(os.sched_getaffinity(0))} cores of {cpu}, Linux {platform.release()},"
        f" Python {platform.python_version()}, "
        f"PyAV {av.__version__} (libavformat {ffmpeg}), NumPy {numpy.__version__}, SQLite {sqlite3.sqlite_version}"
    )
