"""Bounds of waiting for a camera that count only time in which the event loop kept up.

An answer that came and was not read, since the loop was late, is no missing one: a camera must not be given up for what
this machine did not do. Invariant: before a wait is over the loop has looked at its sockets ``_SLICES`` times at least,
the last time behind its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

__all__ = ["Deadline", "Slices", "within"]

_SLICES: Final = 4
# Of a loop that is always late so many slices are excused: what never answers is noticed in the end.
_MOST_EXCUSED: Final = 12
# libuv runs timers that are due before it looks at sockets.
_LAST_LOOK_S: Final = 0.01


class Slices:
    """How much of a wait is over. Pure: a wait is made of slices, each of which ends when a timer says so, however
    late that is. One whose end was noticed later than it is long says nothing of the camera and does not count."""

    def __init__(self, wait_s: float) -> None:
        self.each_s = wait_s / _SLICES
        self._left = _SLICES
        self._excused = 0

    def is_over(self, late_s: float) -> bool:
        """A slice ended, which was noticed so much too late: whether that was the last one."""
        if late_s > self.each_s and self._excused < _MOST_EXCUSED:
            self._excused += 1
            return False
        self._left -= 1
        return self._left <= 0


class Deadline:
    """Calls ``expired`` when the wait is over, unless ``cancel`` is called before. On the running loop."""

    def __init__(self, wait_s: float, expired: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._slices = Slices(wait_s)
        self._expired: Callable[[], object] | None = expired
        self._due_s = 0.0
        self._is_last = False
        self._timer: asyncio.TimerHandle | None = None
        self._start(self._slices.each_s)

    def _start(self, wait_s: float) -> None:
        self._due_s = self._loop.time() + wait_s
        self._timer = self._loop.call_later(wait_s, self._passed)

    def _passed(self) -> None:
        if self._is_last:
            expired = self._expired
            self.cancel()
            if expired is not None:
                expired()
            return
        self._is_last = self._slices.is_over(self._loop.time() - self._due_s)
        self._start(_LAST_LOOK_S if self._is_last else self._slices.each_s)

    def cancel(self) -> None:
        """What was waited for has come, or is not waited for any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._expired = None


@asynccontextmanager
async def within(wait_s: float) -> AsyncIterator[None]:
    """As ``asyncio.timeout``, by such a deadline.

    Raises:
        TimeoutError: what is in the block took longer.
    """
    async with asyncio.timeout(None) as bound:
        deadline = Deadline(wait_s, lambda: bound.reschedule(0.0))
        try:
            yield
        finally:
            deadline.cancel()
