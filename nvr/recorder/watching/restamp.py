"""Times for frames that are watched as they come. Pure.

Invariant: decode times rise, whatever the camera says of them; where its times can't be right, those of arrival count.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TIMESCALE", "Restamp"]

TIMESCALE: Final = 90_000
"""Ticks a second of what is watched."""

# A longer step is no frame that was shown for so long, but a clock that was set.
_LONGEST: Final = 5 * TIMESCALE
_LEAST: Final = TIMESCALE // 1_000
# By how much times may run away from those of arrival.
_MOST_APART: Final = 2 * TIMESCALE


class Restamp:
    """Of one connection."""

    def __init__(self) -> None:
        self._raw: int | None = None
        self._out = 0
        self._usual = TIMESCALE // 25
        self._began_us = 0

    def next(self, dts: int, pts: int, arrived_us: int) -> tuple[int, int]:
        """Decode and presentation time of a frame, in ticks of ``TIMESCALE``, counted from the first one, whose times
        by the camera, in the same ticks, are these, and which arrived at ``arrived_us``."""
        if self._raw is None:
            self._began_us = arrived_us
        else:
            step = dts - self._raw
            if not 0 < step <= _LONGEST:
                step = self._usual
            elif step <= TIMESCALE:
                self._usual = step
            by_arrival = (arrived_us - self._began_us) * TIMESCALE // 1_000_000
            if abs(self._out + step - by_arrival) > _MOST_APART:
                step = max(by_arrival - self._out, _LEAST)
            self._out += step
        self._raw = dts
        return self._out, self._out + min(max(pts - dts, 0), _LONGEST)
