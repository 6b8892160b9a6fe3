"""Frames that come ever later, while it is not known why: they wait before they are written. Pure.

A congested line will catch up, or sender reports will say so; a wrong rate will not. Until then what is later than
``DOUBTFUL_US`` is held, so that no frame that was written is off by more. Lateness in microseconds.
"""

from __future__ import annotations

from typing import Final

__all__ = ["DOUBTFUL_US", "Creep"]

DOUBTFUL_US: Final = 850_000
"""Later than this a frame is not written before it is known whether its stamp is right."""

_CAUGHT_UP_US: Final = 500_000
# Lateness that no longer grows is no rate; and this is how long is waited for what tells, at most: reports come every
# five seconds or so.
_STILL_US: Final = 2_200_000
_GROWN_US: Final = 50_000
_LONGEST_US: Final = 12_000_000
_SHORTEST_US: Final = 1_000_000


class Creep:
    """The frames held, as numbers."""

    def __init__(self, late_us: int, now_us: int) -> None:
        self.count = 0
        self._begin_us = self._grown_us = self._batch_us = now_us
        self._most_us = self._batch_least_us = late_us
        # (moment, least lateness) of the first whole batch and of the latest.
        self._first: tuple[int, int] | None = None
        self._whole = (now_us, late_us)

    def add(self, late_us: int, now_us: int) -> bool:
        """One more frame. True once it is clear that its lateness is the network's, as far as frames tell."""
        self.count += 1
        if now_us != self._batch_us:
            # Of what was read at once the last one had only just come.
            if self._batch_least_us >= self._most_us + _GROWN_US:
                self._most_us, self._grown_us = self._batch_least_us, self._batch_us
            self._whole = self._batch_us, self._batch_least_us
            self._first = self._first or self._whole
            self._batch_us, self._batch_least_us = now_us, late_us
        else:
            self._batch_least_us = min(self._batch_least_us, late_us)
            if self.count == 1 or self._batch_us == self._begin_us:
                self._most_us = min(self._most_us, late_us)
        if late_us < _CAUGHT_UP_US:
            return True
        return now_us - self._grown_us >= _STILL_US or now_us - self._begin_us >= _LONGEST_US

    @property
    def slope(self) -> float:
        """Seconds of lateness that a second adds, by the frames held; 0 before that can be said."""
        first, (at_us, least_us) = self._first, self._whole
        if first is None or at_us - first[0] < _SHORTEST_US:
            return 0.0
        return (least_us - first[1]) / (at_us - first[0])
