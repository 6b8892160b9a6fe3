"""After a silence that time stamps do not show: is it a delay that is caught up, or a clock that stood still? Pure.

Frames wait meanwhile, for a second or so. Lateness in microseconds.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BATCH_US", "CAUGHT_UP_US", "DelayedFrames"]

BATCH_US: Final = 50_000
"""Frames that arrived so close together were read at once."""
CAUGHT_UP_US: Final = 500_000
"""A frame no later than this is not late."""

_LONGEST_US: Final = 1_000_000


class DelayedFrames:
    """The frames held, as numbers. ``least_us``: how late the least delayed of them is."""

    def __init__(self, late_us: int, now_us: int) -> None:
        self.count = 0
        self.least_us = self._first_us = late_us
        self._begin_us = self._batch_us = now_us
        self._batch_least_us = self._begin_least_us = late_us
        self._batches = 0

    def add(self, late_us: int, now_us: int) -> str:
        """One more frame: ``late`` once delays are seen to be caught up, ``stood`` once they are seen to stay, ``""``
        before."""
        self.count += 1
        self.least_us = min(self.least_us, late_us)
        if late_us < CAUGHT_UP_US:
            return "late"
        if now_us - self._batch_us > BATCH_US:
            if self._batches == 0:
                self._begin_least_us = self._batch_least_us
            self._batches += 1
            before_us, before_least_us = self._batch_us, self._batch_least_us
            self._batch_us, self._batch_least_us = now_us, late_us
            if now_us - self._begin_us >= _LONGEST_US and self._batches >= 2:
                # What was read at once is of the moment of its last frame, so whole batches are compared.
                passed_us = before_us - self._begin_us
                return "late" if self._begin_least_us - before_least_us >= passed_us // 7 + BATCH_US else "stood"
        self._batch_least_us = min(self._batch_least_us, late_us)
        return ""

    def end(self) -> str:
        """Nothing more comes: what is more likely. Of what was read at once nothing can be said, and FFmpeg hands out a
        camera's last frame late."""
        return "stood" if self._batches and self.least_us > self._first_us // 2 else "late"
