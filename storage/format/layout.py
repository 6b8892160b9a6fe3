"""Names of footage on disk, readable by a person and without a database.

``<root>/<camera>/<YYYY-MM-DD>/<HH>/<MM-SS.mmm>Z.<epoch>-<node>.mp4``, UTC; while being written the name ends in
``.part.mp4``. Pure. Invariant: ``parse(path_of(key))`` gives the key back with its start cut to milliseconds, and no
string that is not such a name parses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

__all__ = [
    "CAMERA_ID",
    "NODE_ID",
    "SegmentName",
    "hour_folder",
    "is_camera_id",
    "is_node_id",
    "name_while_growing",
    "parse",
    "segment_path",
]

CAMERA_ID = r"[a-z0-9][a-z0-9-]{0,62}"
NODE_ID = r"[a-z0-9]{1,16}"

_CAMERA = re.compile(CAMERA_ID, re.ASCII)
_NODE = re.compile(NODE_ID, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(
    rf"(?P<camera>{CAMERA_ID})/(?P<date>\d{{4}}-\d\d-\d\d)/(?P<hour>\d\d)/(?P<minute>\d\d)-(?P<second>\d\d)"
    rf"\.(?P<ms>\d{{3}})Z\.(?P<epoch>\d{{1,18}})-(?P<node>{NODE_ID})(?P<part>\.part)?\.mp4",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What a segment's path says: its camera, its start in UTC (whole milliseconds), its epoch and node."""

    camera: str
    start_ms: int
    epoch: int
    node: str
    growing: bool


def is_camera_id(text: str) -> bool:
    """Whether the text may be a camera's id."""
    return _CAMERA.fullmatch(text) is not None


def is_node_id(text: str) -> bool:
    """Whether the text may be a node's id."""
    return _NODE.fullmatch(text) is not None


def _utc(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def hour_folder(camera: str, at_us: int) -> PurePosixPath:
    """The folder, relative to a root, of segments of this camera that start in this UTC hour."""
    return PurePosixPath(*_hour(camera, _utc(at_us)))


def _hour(camera: str, at: datetime) -> tuple[str, str, str]:
    # Without strftime, which takes as long as all else here.
    return camera, f"{at.year:04}-{at.month:02}-{at.day:02}", f"{at.hour:02}"


def segment_path(camera: str, start_us: int, epoch: int, node: str, *, growing: bool) -> PurePosixPath:
    """The path of a segment relative to its root.

    Raises:
        ValueError: the camera's or the node's id could leave the folder or make an ambiguous name.
    """
    if not is_camera_id(camera):
        raise ValueError(f"not a camera id: {camera!r}")
    if not is_node_id(node):
        raise ValueError(f"not a node id: {node!r}")
    at = _utc(start_us)
    name = f"{at.minute:02}-{at.second:02}.{at.microsecond // 1000:03}Z.{epoch}-{node}.mp4"
    return PurePosixPath(*_hour(camera, at), name_while_growing(name) if growing else name)


def name_while_growing(name: str) -> str:
    """The name that a segment of this one has until it is closed."""
    return f"{name.removesuffix('.mp4')}.part.mp4"


def parse(relative_path: str) -> SegmentName | None:
    """What a path relative to a root says, or None if it is not a segment's."""
    match = _NAME.fullmatch(relative_path)
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(
            f"{match['date']}T{match['hour']}:{match['minute']}:{match['second']}.{match['ms']}+00:00"
        )
    except ValueError:
        return None
    start_ms = (at - _EPOCH) // timedelta(milliseconds=1)
    # Second spellings (hour 24, a leading zero in the epoch) name files that are not ours.
    growing = match["part"] is not None
    if segment_path(
        match["camera"], start_ms * 1000, int(match["epoch"]), match["node"], growing=growing
    ) != PurePosixPath(relative_path):
        return None
    return SegmentName(match["camera"], start_ms, int(match["epoch"]), match["node"], match["part"] is not None)
