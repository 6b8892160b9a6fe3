"""Whether the kernel says that the clock is synchronised (adjtimex(2), field ``status``, bit STA_UNSYNC)."""

from __future__ import annotations

import ctypes
from typing import Final

__all__ = ["synchronised"]

_STA_UNSYNC: Final = 0x0040
# struct timex is at most 208 bytes on any Linux; modes, at its begin, is 0: only read.
_TIMEX_BYTES: Final = 512
# modes (int, padded to a long), offset, freq, maxerror, esterror (longs), then status (int).
_STATUS_AT: Final = 5 * ctypes.sizeof(ctypes.c_long)


def synchronised() -> bool | None:
    """None where the system does not say."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return None
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if adjtimex(timex) < 0:
        # A sandbox may forbid even reading.
        return None
    status = ctypes.c_int.from_buffer(timex, _STATUS_AT).value
    return not status & _STA_UNSYNC
