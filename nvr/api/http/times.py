"""Times at the edge: ISO 8601 with an explicit zone outside, microseconds UTC inside. Pure.

Invariant: ``parse_time(format_time(t)) == t`` for every time that can be asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from nvr.api.http.errors import ApiError
from storage.intervals import DAY_US, Interval
from storage.sentences import Sentence

__all__ = [
    "LONGEST_RANGE_US",
    "RANGE_ERRORS",
    "TIME_ERRORS",
    "compact_time",
    "format_time",
    "parse_range",
    "parse_time",
    "seconds",
]

# A year and the month around it.
LONGEST_RANGE_US: Final = 400 * DAY_US

# What any route with a time may answer, and what any with a range may.
TIME_ERRORS: Final = ("naive_time", "invalid_time", "time_out_of_range")
RANGE_ERRORS: Final = ("missing_parameter", *TIME_ERRORS, "empty_range", "range_too_long")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
# Years 1970 to 2199.
_LAST_US: Final = (date(2200, 1, 1).toordinal() - _EPOCH_DAY) * DAY_US

_DATE: Final = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
_OFFSET: Final = r"(?:(?P<utc>[Zz])|(?P<sign>[+\-\u2212])(?P<offset_h>\d\d):?(?P<offset_m>\d\d)?)"
_TIME: Final = re.compile(rf"{_DATE}[Tt ]{_CLOCK}{_OFFSET}", re.ASCII)
_NAIVE: Final = re.compile(rf"{_DATE}(?:[Tt ]{_CLOCK})?", re.ASCII)
# In a query, "+" means a space: "2026-11-23T14:00:00+07:00" arrives like this.
_PLUS_LOST: Final = re.compile(rf"{_DATE}[Tt ]{_CLOCK} (?P<offset_h>\d\d):?(?P<offset_m>\d\d)?", re.ASCII)


def format_time(at_us: int) -> str:
    """``2026-11-23T14:05:06.123456Z``."""
    # A report formats a million of these: isoformat takes a third of strftime's time.
    return (_NAIVE_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds") + "Z"


def compact_time(at_us: int) -> str:
    """For names of files: ``20261123T140506Z``, with ``.123456`` where it is not a whole second."""
    at = _EPOCH + timedelta(microseconds=at_us)
    fraction = f".{at.microsecond:06d}" if at.microsecond else ""
    return f"{at:%Y%m%dT%H%M%S}{fraction}Z"


def seconds(us: int) -> float:
    """Seconds, exact to the microsecond up to 285 years."""
    return us / 1_000_000


def parse_time(name: str, text: str | None) -> int:
    """The time that the query parameter ``name`` holds. Digits beyond microseconds are cut off.

    Raises:
        ApiError: ``missing_parameter``, ``naive_time``, ``invalid_time`` or ``time_out_of_range``.
    """
    if not text:
        raise ApiError(
            "missing_parameter",
            Sentence("{name} is missing: give a time such as {name}=2026-11-23T14:05:06Z", name=name),
        )
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise _not_a_time(name, text)
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"])).toordinal() - _EPOCH_DAY
    except ValueError:
        raise ApiError(
            "invalid_time",
            Sentence(
                "{name}: there is no day {year}-{month}-{day}",
                name=name,
                year=match["year"],
                month=match["month"],
                day=match["day"],
            ),
        ) from None
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    offset_h, offset_m = int(match["offset_h"] or 0), int(match["offset_m"] or 0)
    if hour > 23 or minute > 59 or second > 59 or offset_h > 23 or offset_m > 59:
        raise ApiError("invalid_time", Sentence("{name}: hours go to 23, minutes and seconds to 59", name=name))
    offset_s = (offset_h * 3600 + offset_m * 60) * (1 if match["sign"] == "+" else -1)
    micro = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    at_us = day * DAY_US + (hour * 3600 + minute * 60 + second - offset_s) * 1_000_000 + micro
    if not 0 <= at_us < _LAST_US:
        raise ApiError("time_out_of_range", Sentence("{name} must lie in the years 1970 to 2199", name=name))
    return at_us


def _not_a_time(name: str, text: str) -> ApiError:
    if _PLUS_LOST.fullmatch(text.strip()):
        return ApiError(
            "naive_time",
            Sentence(
                "{name} has a space where its offset's + was: in a URL write + as %2B, as in "
                "{name}=2026-11-23T14:05:06%2B07:00",
                name=name,
            ),
        )
    if _NAIVE.fullmatch(text.strip()):
        return ApiError(
            "naive_time",
            Sentence(
                "{name} has no zone, so it could mean several times: add Z or an offset, as in "
                "{name}=2026-11-23T14:05:06Z or 2026-11-23T14:05:06%2B07:00 (in a URL + is written "
                "%2B)",
                name=name,
            ),
        )
    return ApiError(
        "invalid_time",
        Sentence(
            "{name} is not an ISO 8601 time with a zone; write it like {name}=2026-11-23T14:05:06.123Z", name=name
        ),
    )


def parse_range(start: str | None, end: str | None, *, longest_us: int) -> Interval:
    """The half-open range of the query parameters ``start`` and ``end``.

    Raises:
        ApiError: as ``parse_time``; ``empty_range``; ``range_too_long``.
    """
    asked = Interval(parse_time("start", start), parse_time("end", end))
    if asked.end_us <= asked.start_us:
        raise ApiError("empty_range", Sentence("end must be after start: the range is [start, end)"))
    if asked.end_us - asked.start_us > longest_us:
        days, hours = divmod(longest_us // 3_600_000_000, 24)
        limit = Sentence("{count} days", count=days) if days > 2 else Sentence("{count} hours", count=days * 24 + hours)
        raise ApiError(
            "range_too_long", Sentence("the range is longer than {limit}: ask in several parts", limit=limit)
        )
    return asked
