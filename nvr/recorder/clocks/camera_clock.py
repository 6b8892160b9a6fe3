"""The camera's own clock: from its readings, one every few seconds, to what is worth storing. Pure.

Reports can only be delayed on their way, which makes the clock seem behind; so of the readings of a minute the one
furthest ahead counts.
"""

from __future__ import annotations

from typing import Final

from storage.catalogue.clock_samples import Sample

__all__ = ["CameraClock"]

_WINDOW_US: Final = 60_000_000
_STEP_US: Final = 500_000
# A report that is merely late makes a clock seem to have been set back; the next ones tell.
_CONFIRMED_BY: Final = 3


class CameraClock:
    """The samples of one connection. At most one a minute, and one at once when the clock is first known or was set."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._begin_us: int | None = None
        self._best_us = self._least_us = 0
        self._known_us: int | None = None
        self._behind = 0

    def read(self, at_us: int, camera_us: int) -> Sample | None:
        """The camera's clock showed ``camera_us`` when the server's showed ``at_us``; the sample to store, if there is
        one."""
        offset_us = camera_us - at_us
        if self._known_us is None or offset_us > self._known_us + _STEP_US:
            return self._anew(at_us, offset_us)
        if offset_us < self._known_us - _STEP_US:
            self._behind += 1
            return self._anew(at_us, offset_us) if self._behind >= _CONFIRMED_BY else None
        self._behind = 0
        if self._begin_us is None:
            self._begin_us, self._best_us, self._least_us = at_us, offset_us, offset_us
        self._best_us, self._least_us = max(self._best_us, offset_us), min(self._least_us, offset_us)
        # The server's clock may have been set back meanwhile.
        if 0 <= at_us - self._begin_us < _WINDOW_US:
            return None
        begin_us, self._begin_us, self._known_us = min(self._begin_us, at_us), None, self._best_us
        return Sample(begin_us, at_us, self._best_us, self._best_us - self._least_us, self._source)

    def _anew(self, at_us: int, offset_us: int) -> Sample:
        self._known_us, self._begin_us, self._behind = offset_us, None, 0
        return Sample(at_us, at_us, offset_us, 0, self._source)
