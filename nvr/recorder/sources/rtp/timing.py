"""Decoding times, which RTP does not carry, out of presentation times in decoding order. Pure.

Without reordering they are the same. With it, a decoding time is the presentation time that stands as many places back
in order of output as pictures may be reordered: that is never later than the picture's own, and never decreases.
Invariant: ``dts <= pts``; ``dts`` rises strictly, unless the camera's own times do not.
"""

from __future__ import annotations

import bisect
from typing import Final

__all__ = ["DecodingTimes"]

# What lies between two pictures before any distance is known: 25 a second.
_GUESSED_S: Final = 0.04
_DEEPEST: Final = 16
# No encoder looks so far ahead: it is the camera's clock that jumped.
_JUMP_BACK_S: Final = 1.0
_JUMP_ON_S: Final = 10.0


class DecodingTimes:
    """One stream's. ``depth`` is how far it is reordered, None if nobody said: it is then learnt from the first picture
    that comes out of order, which costs up to a few pictures their exact time (``retimed``)."""

    def __init__(self, clock_rate: int, depth: int | None) -> None:
        self._rate = clock_rate
        self._jump_back, self._jump_on = round(_JUMP_BACK_S * clock_rate), round(_JUMP_ON_S * clock_rate)
        self._learns = depth is None
        self._depth = min(depth or 0, _DEEPEST)
        self._sorted: list[int] = []
        self._last: int | None = None
        self._highest: int | None = None
        self.retimed = 0

    @property
    def depth(self) -> int:
        """How many pictures back."""
        return self._depth

    def deepen(self, depth: int | None) -> None:
        """New parameter sets came: what they say counts if it is more than what is known. Less would make times go
        back."""
        self._depth = max(self._depth, min(depth or 0, _DEEPEST))

    def next(self, pts: int) -> tuple[int, int]:
        """(pts, dts) of the next picture in decoding order, in ticks."""
        highest = self._highest
        if highest is not None and not -self._jump_back <= pts - highest <= self._jump_on:
            self._sorted.clear()
            self._last = self._highest = highest = None
        if self._learns and highest is not None and pts < highest and self._depth < _DEEPEST:
            ahead = len(self._sorted) - bisect.bisect_right(self._sorted, pts)
            self._depth = max(self._depth, ahead, 1)
        self._highest = pts if highest is None else max(highest, pts)
        if self._depth == 0:
            if self._learns:
                self._remember(pts)
            self._last = pts
            return pts, pts
        self._remember(pts)
        if len(self._sorted) > self._depth:
            dts = self._sorted[-1 - self._depth]
        else:
            dts = self._sorted[0] - round(_GUESSED_S * self._rate) * (self._depth + 1 - len(self._sorted))
        last, self._last = self._last, dts
        if last is not None and dts <= last:
            dts = self._last = last + 1
        if pts < dts:
            pts = dts
            self.retimed += 1
        return pts, dts

    def _remember(self, pts: int) -> None:
        bisect.insort(self._sorted, pts)
        del self._sorted[: -_DEEPEST - 1]
