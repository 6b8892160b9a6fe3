"""Which time zone the server is in, as an IANA name: Python knows the offset, but not the name. And what to say of
names that are none, or that mislead.

Invariant: a zone is never guessed: what is suggested has its offset beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from storage.texts import close_to

__all__ = ["check_zone", "server_zone", "zone_warnings"]

_MOST: Final = 4
# What people write for an offset; the sign is as in ISO 8601, east of Greenwich.
_OFFSET: Final = re.compile(r"(?:GMT|UTC|Z)?\s*([+\-\u2212])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_ETC: Final = re.compile(r"Etc/GMT([+-])(\d{1,2})")
# The names of Indonesia's three zones, as everybody there writes them.
_INDONESIA: Final = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}


def check_zone(name: str) -> str:
    """The name, if it is a zone's.

    Raises:
        ValueError: no such zone, with names that may be meant and their offsets.
    """
    if _exists(name):
        return name
    examples = " or ".join(f'"{zone}" ({_offset_text(zone)})' for zone in _meant(name))
    raise ValueError(f'"{name}" is not an IANA time zone; write a name such as {examples}')


def zone_warnings(name: str, *, is_given: bool) -> Iterator[tuple[str, str]]:
    """What should be known of this zone: problem and remedy. ``is_given``: the configuration names it; otherwise it is
    the machine's."""
    if match := _ETC.fullmatch(name):
        offset = _offset_text(name)
        other = f"Etc/GMT{'-' if match[1] == '+' else '+'}{match[2]}"
        yield (
            f'"{name}" is {offset}: in names of this kind the sign is the other way round',
            f"write a city, such as {' or '.join(f'{zone!r} ({_offset_text(zone)})' for zone in _meant(offset))};"
            f' or "{other}" if {_offset_text(other)} is meant',
        )
    wanted = os.environ.get("TZ", "").removeprefix(":")
    if not is_given and wanted and not _exists(wanted):
        yield (
            f'the environment\'s TZ is "{wanted}", which is not an IANA time zone,'
            f" so that times are shown in {name} ({_offset_text(name)})",
            f"set zone, to a name such as {' or '.join(repr(zone) for zone in _meant(wanted))}",
        )


def server_zone(localtime: Path = Path("/etc/localtime"), timezone: Path = Path("/etc/timezone")) -> str:
    """The server's zone from ``TZ``, else the link ``/etc/localtime``, else ``/etc/timezone``; ``UTC`` if none says."""
    candidates = [os.environ.get("TZ", "").removeprefix(":"), *_machines(localtime, timezone)]
    return next((name for name in candidates if _exists(name)), "UTC")


def _machines(localtime: Path = Path("/etc/localtime"), timezone: Path = Path("/etc/timezone")) -> list[str]:
    found = [str(localtime.resolve()).rpartition("/zoneinfo/")[2]]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found.append(timezone.read_text(encoding="utf-8").strip())
    return found


def _exists(name: str) -> bool:
    # Besides missing zones there are folders ("Asia"), absolute paths and other traps, each with its own exception.
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return not name.startswith(("posix/", "right/")) and name not in ("localtime", "posixrules", "Factory", "")


def _meant(text: str) -> list[str]:
    """Zones that somebody may have meant who wrote this: never by resemblance alone, since Asia/Semarang is not
    Asia/Samarkand."""
    said = text.strip()
    if said.upper() in _INDONESIA:
        return [_INDONESIA[said.upper()]]
    if exact := [zone for zone in available_timezones() if zone.casefold() == said.casefold()]:
        return exact
    city = said.casefold().replace(" ", "_")
    if cities := [zone for zone in _everywhere() if zone.rpartition("/")[2].casefold() == city]:
        return cities[:_MOST]
    home = _home()
    if match := _OFFSET.fullmatch(said):
        sign = 1 if match[1] == "+" else -1
        offset = sign * timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        found = [zone for zone in _by_country(home) if _offset(zone) == offset]
        # Of one offset, the country of the server first, and Indonesia's, whose cities this product began with.
        found += [zone for zone in (*_INDONESIA.values(), *_everywhere()) if _offset(zone) == offset]
        if found:
            return list(dict.fromkeys(found))[:_MOST]
    near = close_to(text, available_timezones(), most=2, alike=0.85)
    country = _by_country(home)
    if not country:
        country = [zone for zone in (*_INDONESIA.values(), *_everywhere()) if _offset(zone) == _offset(home)]
    return list(dict.fromkeys([*near, *country]))[:_MOST] or ["Asia/Jakarta", "UTC"]


def _home() -> str:
    return next((name for name in _machines() if _exists(name)), "UTC")


@cache
def _table() -> tuple[tuple[frozenset[str], str], ...]:
    """Countries and zone of each row of the time zone database's own table."""
    rows = []
    for line in (resources.files("tzdata") / "zoneinfo" / "zone1970.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            countries, _, zone = line.split("\t")[:3]
            rows.append((frozenset(countries.split(",")), zone))
    return tuple(rows)


def _everywhere() -> list[str]:
    return [zone for _, zone in _table()]


def _by_country(zone: str) -> list[str]:
    """The zones of the countries that this zone is of; none of UTC and the like."""
    countries = next((countries for countries, name in _table() if name == zone), frozenset[str]())
    return [name for found, name in _table() if found & countries]


def _offset(zone: str) -> timedelta:
    # As it is now: what a clock on the wall shows.
    return datetime.now(UTC).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


def _offset_text(zone: str) -> str:
    minutes = round(_offset(zone).total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
