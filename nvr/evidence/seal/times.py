"""Times as packages and statements write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["file_time", "folder_name", "iso", "local", "parse_iso"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at_us: int) -> str:
    """ISO 8601 in UTC, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> int:
    """The inverse of ``iso``. Raises ``ValueError`` for anything else that has no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return (at - _EPOCH) // timedelta(microseconds=1)


def file_time(at_us: int) -> str:
    """For names of files: UTC, to the millisecond, without what some file systems refuse."""
    at = _EPOCH + timedelta(microseconds=at_us)
    return f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z"


def folder_name(start_us: int, export: str) -> str:
    """The name of the folder of an export's package, which begins at this time."""
    return f"export-{file_time(start_us)}-{export}"


def local(at_us: int, zone: str) -> str:
    """As people of the zone read it, with the zone's offset."""
    at = (_EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    offset = at.strftime("%z")
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} {offset[:3]}:{offset[3:]}"
