"""Reading and copying in the background no faster than is allowed."""

from __future__ import annotations

import threading
import time

__all__ = ["BackgroundPace", "PaceStopped"]


class PaceStopped(Exception):
    """The work was told to end."""


class BackgroundPace:
    """Keeps work at or below a rate, and notices at once that it is to stop."""

    def __init__(self, bytes_per_s: int, stop: threading.Event) -> None:
        self._bytes_per_s = bytes_per_s
        self._stop = stop
        self._due = time.monotonic()

    def __call__(self, count: int) -> None:
        """After so many bytes: waits for as long as the rate says.

        Raises:
            PaceStopped: it is to stop.
        """
        # Time that a slow disk took is not caught up with: the rate is a limit, not an aim.
        self._due = max(self._due, time.monotonic() - 1.0) + count / self._bytes_per_s
        if self._stop.wait(max(0.0, self._due - time.monotonic())):
            raise PaceStopped
