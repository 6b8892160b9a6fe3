"""Weekly hours in a civil zone, and the intervals outside them. Pure.

``mon-fri 06:00-22:00, sat 08:00-14:00, sun 22:00-06:00``: days by their first three letters; an end that is not after
its start lies on the next day; ``24:00`` is the end of the day. Invariant: a day of 23 or 25 hours is covered by
``00:00-24:00`` exactly. A time that the clock skips or shows twice is taken so that more is recorded, not less.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from storage.intervals import Interval, clip, merge, subtract
from storage.sentences import Sentence

__all__ = ["Hours", "HoursError", "parse"]

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART: Final = re.compile(
    r"(?P<from>[a-z]{3})(?:\s*-\s*(?P<to>[a-z]{3}))?\s+(?P<h1>\d\d):(?P<m1>\d\d)\s*-\s*(?P<h2>\d\d):(?P<m2>\d\d)",
    re.ASCII,
)
_DAY_MIN: Final = 24 * 60


class HoursError(ValueError):
    """Not weekly hours; the message says which part and how to write it."""


@dataclass(frozen=True, slots=True)
class Hours:
    """``parts`` are (weekday from 0 for Monday, first minute, minute after the last; that may lie on the next day)."""

    text: str
    parts: tuple[tuple[int, int, int], ...]

    def within(self, start_us: int, end_us: int, zone: str) -> list[Interval]:
        """The parts of ``[start_us, end_us)`` in these hours, merged."""
        local = ZoneInfo(zone)
        day = datetime.fromtimestamp(start_us / 1e6, UTC).astimezone(local).date() - timedelta(days=2)
        last = datetime.fromtimestamp(end_us / 1e6, UTC).astimezone(local).date() + timedelta(days=1)
        found: list[Interval] = []
        while day <= last:
            found += [
                Interval(min(_instants(day, a, local)), max(_instants(day, b, local)))
                for weekday, a, b in self.parts
                if weekday == day.weekday()
            ]
            day += timedelta(days=1)
        return merge(clip(found, start_us, end_us))

    def outside(self, start_us: int, end_us: int, zone: str) -> list[Interval]:
        """The parts of ``[start_us, end_us)`` that are not in these hours."""
        return subtract(start_us, end_us, self.within(start_us, end_us, zone))


def _instants(day: date, minute: int, zone: ZoneInfo) -> list[int]:
    """The microseconds at which the clock shows this minute of the day: two where it shows it twice or skips it."""
    civil = datetime.combine(day + timedelta(days=minute // _DAY_MIN), time(minute % _DAY_MIN // 60, minute % 60))
    return [round(civil.replace(tzinfo=zone, fold=fold).timestamp()) * 1_000_000 for fold in (0, 1)]


def parse(text: str) -> Hours:
    """The hours that the text says.

    Raises:
        HoursError: it can't be read.
    """
    parts: list[tuple[int, int, int]] = []
    for piece in text.lower().split(","):
        match = _PART.fullmatch(piece.strip())
        if match is None or match["from"] not in _DAYS or (match["to"] or "mon") not in _DAYS:
            raise HoursError(
                Sentence(
                    '{text!r} is not hours; write them as "mon-fri 06:00-22:00, sat 08:00-14:00"', text=piece.strip()
                )
            )
        a, b = (_minute(match[f"h{n}"], match[f"m{n}"], piece) for n in (1, 2))
        if a in (b, _DAY_MIN):
            raise HoursError(Sentence("{text!r} has no length; a whole day is 00:00-24:00", text=piece.strip()))
        first = _DAYS.index(match["from"])
        last = _DAYS.index(match["to"]) if match["to"] else first
        days = ((first + step) % 7 for step in range((last - first) % 7 + 1))
        parts += [(day, a, b if b > a else b + _DAY_MIN) for day in days]
    return Hours(text.strip(), tuple(sorted(set(parts))))


def _minute(hour: str, minute: str, piece: str) -> int:
    at = int(hour) * 60 + int(minute)
    if int(minute) > 59 or at > _DAY_MIN:
        raise HoursError(
            Sentence("{hour}:{minute} in {text!r} is no time of a day", hour=hour, minute=minute, text=piece.strip())
        )
    return at
