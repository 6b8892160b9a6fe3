"""Whether a range is over: nothing of it is still being recorded, held back or written, so that what it holds will not
become more.

That the clock has passed its end is not enough: the last frames may wait for their fragment, and their segment for its
end, its hash and its name. Invariant: of a range that is over every segment is closed or was adopted, and coverage
knows all, unless nobody has recorded the camera for hours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storage.catalogue import segments
from storage.coverage.one_camera import known_until
from storage.writing.rotation import boundary_after

__all__ = ["Unsettled", "unsettled"]

# A segment ends at the first keyframe past its boundary, and is closed when it is hashed and synced.
_CLOSING_US: Final = 5_000_000
_SOON_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The range is not over: ``camera`` is the last of its cameras to be waited for, ``until_us`` when it is expected
    to be over, and ``is_recording`` whether that is because the camera is being recorded."""

    camera: str
    until_us: int
    is_recording: bool


def unsettled(
    conn: sqlite3.Connection, cameras: Iterable[str], end_us: int, *, now_us: int, segment_us: int
) -> Unsettled | None:
    """What a range that ends at ``end_us`` waits for, of these cameras; None if it is over. ``segment_us`` is how long
    segments are to be."""
    found = [
        one
        for camera in cameras
        if (one := _of_camera(conn, camera, end_us, now_us=now_us, segment_us=segment_us)) is not None
    ]
    return max(found, key=lambda one: one.until_us, default=None)


def _of_camera(conn: sqlite3.Connection, camera: str, end_us: int, *, now_us: int, segment_us: int) -> Unsettled | None:
    if not conn.execute("SELECT 1 FROM camera WHERE id = ?", (camera,)).fetchone():
        # Planning says so.
        return None
    growing = [one for one in segments.growing(conn, camera) if one.key.start_us < end_us]
    known_us = known_until(conn, camera, now_us)
    if not growing and now_us >= end_us and (known_us >= end_us or now_us - known_us > segments.LONGEST_SEGMENT_US):
        # A story that stopped so long ago is continued by nobody: no segment is as long.
        return None
    if growing:
        # What began last is what rotates; one that never will was left by a disk that is away, and is adopted when that
        # comes back.
        since_us = max(one.key.start_us for one in growing)
        until_us = boundary_after(camera, segment_us, max(end_us, since_us)) + _CLOSING_US
    else:
        until_us = end_us
    return Unsettled(camera, max(until_us, now_us + _SOON_US), bool(growing))
