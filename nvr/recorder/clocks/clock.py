"""When was it? The mapping from a run's media time to wall time. Pure.

All times are microseconds: media time as the camera counts it, wall time as the server's clock had it. Invariant: wall
time advances with media time at a rate within 500 ppm of one, so that footage is neither stretched nor torn, whatever
the network does.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CLOCK_STEP_US", "ClockWatch", "RunClock"]

_SLEW_PPM: Final = 500
_WINDOW_US: Final = 10_000_000

CLOCK_STEP_US: Final = 500_000
"""A change between realtime and monotonic clock of more than this is a step."""


class RunClock:
    """The clock of one run.

    ``observe`` sees each packet's media time and the wall time of its arrival. Network and buffers can only delay, so
    the least delayed packet tells best: while unanchored, the smallest delay so far sets the clock (an early burst of
    pre-buffered frames must not shift a run); later, once every 10 s of media, the smallest delay of those 10 s is what
    the clock is slewed toward. ``late_us`` is that delay.
    """

    def __init__(self) -> None:
        self._base_media_us = 0
        self._base_wall_us = 0
        self._ppm = 0
        self._least_us: int | None = None
        self._window_end_us: int | None = None
        self.anchored = False
        self.late_us = 0

    def observe(self, media_us: int, arrival_us: int) -> None:
        """A packet of this media time arrived at this wall time."""
        if not self.anchored:
            delay_us = arrival_us - media_us
            if self._least_us is None or delay_us < self._least_us:
                self._least_us = delay_us
                self._base_wall_us = delay_us
            return
        self.note(media_us, arrival_us - self.wall_us(media_us))

    def forget(self) -> None:
        """What was observed before the anchor was placed wrongly."""
        self._least_us = None

    def note(self, media_us: int, delay_us: int) -> None:
        """A packet of this media time arrived so long after its wall time; once anchored."""
        if self._least_us is None or delay_us < self._least_us:
            self._least_us = delay_us
        if self._window_end_us is None:
            self._window_end_us = media_us + _WINDOW_US
        elif media_us >= self._window_end_us:
            self._turn(media_us)

    def anchor(self) -> None:
        """Fixes the start of the run: from now on the clock only slews."""
        self.anchored = True
        self._least_us = None

    def wall_us(self, media_us: int) -> int:
        """The wall time of a media time, near the latest observed."""
        passed_us = media_us - self._base_media_us
        return self._base_wall_us + passed_us + passed_us * self._ppm // 1_000_000

    def _turn(self, media_us: int) -> None:
        """A window ended: the rate for the next one, from here without a jump."""
        wall_us = self.wall_us(media_us)
        # The error is to be gone after one window; clamped, it takes several.
        least_us = self._least_us or 0
        self.late_us = max(0, least_us)
        ppm = least_us * 1_000_000 // _WINDOW_US
        self._base_media_us, self._base_wall_us = media_us, wall_us
        self._ppm = max(-_SLEW_PPM, min(_SLEW_PPM, ppm))
        self._least_us = None
        self._window_end_us = media_us + _WINDOW_US


class ClockWatch:
    """Notices when the server's clock is set: realtime and monotonic no longer advance together."""

    def __init__(self, realtime_us: int, monotonic_us: int) -> None:
        self._offset_us = realtime_us - monotonic_us
        self.change_us = 0

    def step_us(self, realtime_us: int, monotonic_us: int) -> int:
        """By how much the clock was set since the start, or 0 if by no more than ``CLOCK_STEP_US``; then ``change_us``
        says so."""
        self.change_us = change_us = realtime_us - monotonic_us - self._offset_us
        return change_us if abs(change_us) > CLOCK_STEP_US else 0
