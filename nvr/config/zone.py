"""Which time zone the server is in, as an IANA name: Python knows the offset, but not the name."""

from __future__ import annotations

import contextlib
import difflib
import os
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

__all__ = ["check_zone", "server_zone"]


def check_zone(name: str) -> str:
    """The name, if it is a zone's.

    Raises:
        ValueError: no such zone, with the nearest names.
    """
    if _exists(name):
        return name
    near = difflib.get_close_matches(name, available_timezones(), n=3)
    examples = " or ".join(f'"{zone}"' for zone in near or ["Asia/Jakarta", "UTC"])
    raise ValueError(f'"{name}" is not an IANA time zone; write a name such as {examples}')


def server_zone(localtime: Path = Path("/etc/localtime"), timezone: Path = Path("/etc/timezone")) -> str:
    """The server's zone from ``TZ``, else the link ``/etc/localtime``, else ``/etc/timezone``; ``UTC`` if none says."""
    candidates = [os.environ.get("TZ", "").removeprefix(":"), str(localtime.resolve()).rpartition("/zoneinfo/")[2]]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        candidates.append(timezone.read_text(encoding="utf-8").strip())
    return next((name for name in candidates if _exists(name)), "UTC")


def _exists(name: str) -> bool:
    # Besides missing zones there are folders ("Asia"), absolute paths and other traps, each with its own exception.
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return not name.startswith(("posix/", "right/")) and name not in ("localtime", "posixrules", "Factory", "")
