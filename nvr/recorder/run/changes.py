"""How often a camera may begin a new run on a connection that stands: with other parameters, other sound, another
clock.

Each run is a file, a row, and with new parameters an init that is kept for ever: a camera that means harm, or is
broken, would make thirty a second. Pure. Invariant: what changes no more often than every two seconds, as cameras do
that alternate between two sets of parameters, is never refused.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MOST_SET_BYTES", "Changes"]

_BURST: Final = 600.0
_PER_S: Final = 0.5
MOST_SET_BYTES: Final = 8 << 10
"""Of all parameter sets of a stream; they have some 100."""


class Changes:
    """Of one camera, over all its connections."""

    def __init__(self, burst: float = _BURST) -> None:
        self._burst = self._left = burst
        self._at_us = 0

    def take(self, now_us: int) -> bool:
        """Whether there may be one more, at this time of a monotonic clock."""
        self._left = min(self._burst, self._left + max(0, now_us - self._at_us) / 1e6 * _PER_S)
        self._at_us = now_us
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
