"""How playlists name things: the URLs of segments and inits, times and lengths. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from storage.catalogue.segments import Key
from storage.format.layout import NODE_ID

__all__ = [
    "GAP_BYTES",
    "GAP_NAME",
    "GAP_URI",
    "INIT_FOLDER",
    "apart",
    "clip_name",
    "date_time",
    "init_uri",
    "map_tag",
    "parse_segment_name",
    "parse_zero",
    "picture_name",
    "seconds",
    "segment_uri",
]

INIT_FOLDER: Final = "inits/"
"""Where inits are answered, relative to a playlist: so a playlist is the same under whatever path it is asked for."""

GAP_NAME: Final = "gap.mp4"
GAP_URI: Final = f"segments/{GAP_NAME}"
"""What the entry of a gap names, since it must name something. Players that do not know gaps fetch it."""

GAP_BYTES: Final = b"\0\0\0\x08free"
"""What is answered: a box with nothing in it, which every player passes over. With a 404 GStreamer stops for good."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAME: Final = re.compile(rf"(\d{{1,18}})-(\d{{1,18}})-({NODE_ID})(?:\.mp4|(?:-(\d{{1,18}}))?\.m4s)", re.ASCII)


def segment_uri(key: Key, zero_us: int = 0) -> str:
    """A segment's URL, relative to a playlist of its camera whose time zero is ``zero_us``. It stays the same when the
    file closes."""
    zero = f"-{zero_us}" if zero_us else ""
    return f"segments/{key.start_us}-{key.epoch}-{key.node}{zero}.m4s"


def parse_segment_name(camera: str, name: str) -> Key | None:
    """The segment of this camera that the last part of its URL names, or None if that is no segment's name."""
    match = _NAME.fullmatch(name)
    return None if match is None else Key(camera, int(match[1]), match[3], int(match[2]))


def parse_zero(name: str) -> int | None:
    """When the time zero is of the playlist that names a segment so; None if it names the file as it is on the disk."""
    match = _NAME.fullmatch(name)
    return int(match[4] or 0) if match is not None and name.endswith(".m4s") else None


def init_uri(init: str, folder: str = INIT_FOLDER) -> str:
    """The URL of an init."""
    return f"{folder}{init}.mp4"


def map_tag(init: str, init_bytes: int, folder: str = INIT_FOLDER) -> str:
    """The tag of an init of so many bytes. With its range: FFmpeg 5.1 asks for an init without one by the range of the
    part before, and stops."""
    return f'#EXT-X-MAP:URI="{init_uri(init, folder)}",BYTERANGE="{init_bytes}@0"'


def date_time(at_us: int) -> str:
    """A time as ``EXT-X-PROGRAM-DATE-TIME`` has it: to the millisecond, rounded down."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clip_name(camera: str, start_us: int, end_us: int, *more: str, ending: str = "mp4") -> str:
    """A clip's file, named by what is in it: camera, when its first frame begins and its last one ends, in UTC to the
    millisecond, then ``more`` words that tell it from another of that time; in letters that every system takes."""
    first, last = (_file_time(us) for us in (start_us, end_us))
    return f"{'_'.join((camera, first, last, *more))}.{ending}"


def picture_name(camera: str, at_us: int) -> str:
    """A picture's file, named by its camera and when it began to be shown, in UTC to the millisecond."""
    return f"{camera}_{_file_time(at_us)}.jpg"


def apart(names: Iterable[str]) -> list[str]:
    """The same names, those that were there before with a number before their ending."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        stem, dot, ending = name.rpartition(".")
        found.append(name if seen[name] == 1 else f"{stem}_{seen[name]}{dot}{ending}")
    return found


def _file_time(us: int) -> str:
    at = _EPOCH + timedelta(microseconds=us)
    return f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z"


def seconds(us: int) -> str:
    """A length in seconds, exact."""
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"
