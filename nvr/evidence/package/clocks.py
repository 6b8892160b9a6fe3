"""Whether this machine's clock is kept right: what the kernel knows of it."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

__all__ = ["ServerClock", "server_clock"]

# The kernel's word for "not synchronised" (adjtimex(2)).
_TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class ServerClock:
    """``synchronized`` is None where the kernel can't be asked. Errors in microseconds."""

    synchronized: bool | None
    estimated_error_us: int | None
    max_error_us: int | None


class _Timex(ctypes.Structure):
    # The first fields of struct timex on Linux, and room for the rest.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


def server_clock() -> ServerClock:
    """The state of the clock now."""
    if not sys.platform.startswith("linux"):
        return ServerClock(None, None, None)
    state = _Timex()
    try:
        code = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        code = -1
    if code < 0:
        return ServerClock(None, None, None)
    return ServerClock(code != _TIME_ERROR, int(state.esterror), int(state.maxerror))
