"""No process that knows passwords leaves its memory behind when it crashes.

Two locks, since each has a hole: a limit of 0 is inherited by children, but a kernel that pipes cores to a program
passes the limit on and leaves it to that program; a process that is not dumpable gives none to anybody, but is dumpable
again after ``exec``. So each process calls this at its start, before it reads a secret.
"""

from __future__ import annotations

import ctypes
import resource
from typing import Final

__all__ = ["forbid"]

_PR_SET_DUMPABLE: Final = 4


def forbid() -> None:
    """From now on neither this process nor its children leave core dumps; no other process of its user may read its
    memory (root may)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # No libc without it is known; where it can't be found, the limit has to do.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
