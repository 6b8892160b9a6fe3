"""Columns of many values as text: a report has millions of times, and formatting one by one would take longer than all
the rest.

Pure. Invariant: each text is what ``nvr.api.http.times`` makes of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.coverage.fleet_partition import Int64
from storage.intervals import DAY_US

__all__ = ["decimal_seconds", "iso_times"]

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_TIME: Final = np.dtype(
    [("date", "S11"), ("minute", "S6"), ("second", "S3"), ("milli", "S3"), ("micro", "S3"), ("z", "S1")]
)


def _table(texts: Sequence[str]) -> NDArray[Any]:
    return np.array([text.encode() for text in texts])


_MINUTES: Final = _table([f"{n // 60:02d}:{n % 60:02d}:" for n in range(1440)])
_SECONDS: Final = _table([f"{n:02d}." for n in range(60)])
_THOUSANDTHS: Final = _table([f"{n:03d}" for n in range(1000)])
_LEADING: Final = 8
_NEAR_DAYS: Final = 500


def iso_times(at_us: Int64) -> list[bytes]:
    """``2026-11-23T14:05:06.123456Z`` each, of the years 1970 to 9999."""
    if not len(at_us):
        return []
    day, of_day = np.divmod(at_us, DAY_US)
    # Of a report's days a table; of times far apart, only of the days that occur.
    first, last = int(day.min()), int(day.max())
    days, place = (
        (np.arange(first, last + 1), day - first) if last - first < _NEAR_DAYS else np.unique(day, return_inverse=True)
    )
    dates = _table([f"{date.fromordinal(_EPOCH_DAY + n).isoformat()}T" for n in days.tolist()])
    minute, of_minute = np.divmod(of_day, 60_000_000)
    second, of_second = np.divmod(of_minute, 1_000_000)
    out = np.empty(len(at_us), _TIME)
    out["date"] = dates[place]
    out["minute"] = _MINUTES[minute]
    out["second"] = _SECONDS[second]
    out["milli"] = _THOUSANDTHS[of_second // 1000]
    out["micro"] = _THOUSANDTHS[of_second % 1000]
    out["z"] = b"Z"
    texts: list[bytes] = out.view("S27").tolist()
    return texts


def decimal_seconds(us: Int64) -> list[bytes]:
    """``600.000000`` each, of lengths under 3 years."""
    seconds, rest = np.divmod(us, 1_000_000)
    out = np.empty((len(us), _LEADING + 7), np.uint8)
    for place in range(_LEADING):
        seconds, out[:, _LEADING - 1 - place] = np.divmod(seconds, 10)
    for place in range(6):
        rest, out[:, _LEADING + 6 - place] = np.divmod(rest, 10)
    out += ord("0")
    out[:, _LEADING] = ord(".")
    # Leading zeros are no part of a number.
    leading = np.logical_and.accumulate(out[:, : _LEADING - 1] == ord("0"), axis=1)
    out[:, : _LEADING - 1][leading] = ord(" ")
    return [text.lstrip() for text in out.view(f"S{_LEADING + 7}")[:, 0].tolist()]
