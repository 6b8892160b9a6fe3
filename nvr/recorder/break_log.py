"""What the log says of one camera's breaks: each of the first few, then one line an hour with a count.

A camera with a loose plug breaks off every few seconds, day and night; twenty of them wrote 35 MB a day, in which
nobody found anything else. The catalogue has each break, with its cause. Invariant: what was left out is told within an
hour, with how the camera is then.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from storage.causes import Cause

__all__ = ["BreakLog"]

log = logging.getLogger("nvr.recorder.camera")

_HOUR_S: Final = 3600.0
# So many are told one by one within an hour.
_EACH: Final = 3


class BreakLog:
    """``clock``: monotonic, in seconds."""

    def __init__(self, camera: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._camera = camera
        self._clock = clock
        self._began_s = clock()
        self._told = 0
        self._left_out: Counter[str] = Counter()
        self._last = ""
        self._is_open = True

    def broke(self, cause: Cause, error: object) -> None:
        """The camera is not recorded now, for this reason."""
        self.look()
        now_s = self._clock()
        if now_s - self._began_s >= _HOUR_S:
            self._began_s, self._told = now_s, 0
        self._last = f"not recording: {cause} {error}".rstrip()
        self._is_open = self._told < _EACH
        if self._is_open:
            self._told += 1
            log.warning("camera %s: %s", self._camera, self._last)
        else:
            self._left_out[cause.value] += 1

    def recorded(self) -> None:
        """The camera is recorded again."""
        self.look()
        self._last = "recording"
        if self._is_open:
            log.info("camera %s: %s", self._camera, self._last)

    def look(self) -> None:
        """Tells what was left out, if it is time; asked every few seconds."""
        now_s = self._clock()
        if not self._left_out or now_s - self._began_s < _HOUR_S:
            return
        count = self._left_out.total()
        causes = ", ".join(f"{cause} {times}" for cause, times in self._left_out.most_common())
        log.warning(
            "camera %s: broke off %d more times within the last hour (%s); now %s",
            self._camera,
            count,
            causes,
            self._last,
        )
        self._left_out.clear()
        # It goes on like that until an hour was quiet.
        self._began_s, self._told = now_s, _EACH
