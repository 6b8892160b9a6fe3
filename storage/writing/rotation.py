"""When segments of a camera end: wall-clock multiples of their duration, shifted by the camera's own share. Pure."""

from __future__ import annotations

import zlib

__all__ = ["boundary_after", "stagger_us"]


def stagger_us(camera: str, duration_us: int) -> int:
    """The camera's shift in ``[0, duration_us)``, so that thousands do not rotate in one second: the same in every
    process, at every start."""
    return zlib.crc32(camera.encode()) * duration_us >> 32


def boundary_after(camera: str, duration_us: int, at_us: int) -> int:
    """The first boundary after ``at_us``."""
    shift_us = stagger_us(camera, duration_us)
    return ((at_us - shift_us) // duration_us + 1) * duration_us + shift_us
