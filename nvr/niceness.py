"""Lowers a process below recording. Recorders have the usual priority; everything else that runs for long has a lower
one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["lower"]

_AUTOGROUP: Final = Path("/proc/self/autogroup")


def lower(niceness: int) -> None:
    """Makes this process and its later children nicer by so much, against all processes of the machine.

    Each process of ours leads a session, and where Linux groups processes by session (``sched_autogroup_enabled``,
    sched(7)), niceness counts only within one: the group gets the same.
    """
    result = os.nice(niceness)
    try:
        _AUTOGROUP.write_text(str(result), encoding="ascii")
    except OSError:
        # This kernel groups nothing, or the process is in a container that may not say so: niceness alone has to do.
        return
