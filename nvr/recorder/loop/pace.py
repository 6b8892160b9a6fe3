"""How often a worker looks at its sockets: at a steady pace, not at each packet.

A wake-up for every frame of every camera costs more than the frame: caches are cold, threads change. What has come
meanwhile waits in the sockets' own buffers, and is then taken in one go; so a recorder is up to half a second late,
which nobody sees, and its clock knows, since the least delayed packet counts. Invariant: a loop that has not caught up
is not held.

A look is a few turns of the loop: what a look brought often makes a task go on, and that another one; if each such step
had to wait for the next look, a camera would take seconds to begin.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

__all__ = ["HASTE", "LATENESS", "PACE_S", "Haste", "Lateness", "Pace"]

PACE_S: Final = 0.474
"""No multiple of a frame's usual duration: so each camera's frames are met at all ages, and the youngest tell when they
were sent."""

_TURNS: Final = 4
# Of a look that came late, by each that follows.
_FORGETS: Final = 0.97
# A connection's set-up is five questions and answers, and what a camera shows meanwhile is lost. Of a loop whose looks
# take long each is that expensive for all that it records: it is held for as long as a look took.
_HASTE_S: Final = 0.037
_HELD: Final = 2.0


class Haste:
    """How many wait for an answer that the next thing depends on: as long as there are any, the loop looks more
    often."""

    def __init__(self) -> None:
        self.waiting = 0

    def __enter__(self) -> None:
        self.waiting += 1

    def __exit__(self, *_: object) -> None:
        self.waiting -= 1


HASTE: Final = Haste()
"""The process's: its connections have one loop."""


class Lateness:
    """How well a loop keeps up. ``late_s``: how much later than due the last look was; ``behind_s``: how far the loop
    was behind when it was last, by more than ``BEHIND_S``, at ``behind_at_s`` of the monotonic clock."""

    BEHIND_S: Final = 2.0

    def __init__(self) -> None:
        self.late_s = self.behind_s = 0.0
        self.behind_at_s = float("-inf")

    def looked(self, now_s: float, late_s: float) -> None:
        """A look came so much too late."""
        self.late_s = late_s
        if late_s > self.BEHIND_S:
            self.behind_s, self.behind_at_s = late_s, now_s


LATENESS: Final = Lateness()
"""The process's, as ``HASTE``; a process without a pace is never late."""


class Pace:
    """Holds an event loop between two looks. It is the loop itself that sleeps: nothing of it may be needed sooner.
    ``before`` is called at the end of each look: what others are to do meanwhile is handed to them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval_s: float = PACE_S,
        *,
        before: Callable[[], None] = lambda: None,
        haste: Haste = HASTE,
        lateness: Lateness = LATENESS,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._loop = loop
        self._interval_s = interval_s
        self._before = before
        self._haste = haste
        self._lateness = lateness
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._next_s = monotonic_s()
        self._turns = 0
        self._looked_s = self._next_s
        self.apart_s = interval_s
        """How far apart the looks were lately at most: so long a frame may have waited before it was read."""
        self._handle: asyncio.Handle | None = None

    def start(self) -> None:
        """From now on, until ``stop``."""
        self._handle = self._loop.call_soon(self._turn)

    def stop(self) -> None:
        """The loop is as quick as any again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _turn(self) -> None:
        self._turns = (self._turns + 1) % _TURNS
        if self._turns == 0:
            self._hold()
        self.start()

    def _hold(self) -> None:
        self._before()
        now_s = self._monotonic_s()
        apart_s = now_s - self._looked_s
        self.apart_s = max(apart_s, self._interval_s, _FORGETS * self.apart_s)
        self._lateness.looked(now_s, max(0.0, apart_s - self._interval_s))
        self._looked_s = now_s
        if self._haste.waiting:
            self._next_s += min(self._interval_s, max(_HASTE_S, _HELD * (now_s - self._next_s)))
        else:
            self._next_s += self._interval_s
        if now_s < self._next_s:
            self._sleep(self._next_s - now_s)
        else:
            self._next_s = now_s
