"""Counting gaps that no fact explains. There should never be any: the tests of a day and of histories hold
it at zero."""

from __future__ import annotations

import sqlite3

from storage.catalogue import cameras
from storage.causes import Cause
from storage.coverage.one_camera import coverage

__all__ = ["unknown_gaps"]


def unknown_gaps(conn: sqlite3.Connection, start_us: int, end_us: int, *, now_us: int) -> int:
    """Gaps of cause ``unknown`` of all cameras, removed ones too, in ``[start_us, end_us)``."""
    return sum(
        gap.cause is Cause.UNKNOWN
        for camera in cameras.list_all(conn, removed=True)
        for gap in coverage(conn, camera.id, start_us, end_us, now_us=now_us).gaps
    )
