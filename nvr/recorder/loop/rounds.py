"""When a worker reads its cameras' sockets: in rounds, not at each packet.

A wake-up for every frame of every camera costs more than the frame: caches are cold, threads change. What comes between
two rounds waits in the sockets' own buffers, and is then taken in one go; so a recorder is up to half a second late,
which nobody sees, and its clock knows, since the least delayed packet counts. Sockets that are read in rounds are in no
poll: the event loop is free meanwhile, for timers, answers and all that is not a camera's stream.

Invariants: a round takes turns with whatever else is due, every few milliseconds; a round that is late is not made up
for by another.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol

__all__ = ["LATENESS", "ROUND_S", "Lateness", "RoundReader", "Rounds", "rounds_of"]

log = logging.getLogger(__name__)

ROUND_S: Final = 0.474
"""No multiple of a frame's usual duration: so each camera's frames are met at all ages, and the youngest tell when they
were sent."""

QUICK_S: Final = 0.04
"""Of connections for which somebody waits."""

# So long a round goes on without a turn of the loop.
_SLICE_S: Final = 0.005
# Of a round that came late, by each that follows.
_FORGETS: Final = 0.97


class RoundReader(Protocol):
    """What is read in rounds: a connection, or many."""

    def read(self) -> bool:
        """Reads what waits; whatever comes of it is its own. Says whether it is to be asked again in this round, once
        others had their turn."""


class Call(Protocol):
    """One that a scheduler is about to make."""

    def cancel(self) -> None:
        """As asyncio's."""


class Scheduler(Protocol):
    """What of an event loop is needed."""

    def call_soon(self, callback: Callable[[], object], /) -> Call:
        """As asyncio's."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Call:
        """As asyncio's."""


class Lateness:
    """How well a loop keeps up. ``late_s``: how much later than due the last round ended; ``behind_s``: how far the
    loop was behind when it was last, by more than ``BEHIND_S``, at ``behind_at_s`` of the monotonic clock."""

    BEHIND_S: Final = 2.0

    def __init__(self) -> None:
        self.late_s = self.behind_s = 0.0
        self.behind_at_s = float("-inf")
        self._due_s = float("inf")

    def late_now_s(self, now_s: float) -> float:
        """How long sockets have not been read that should have been, by the monotonic clock."""
        return max(self.late_s, now_s - self._due_s)

    def over(self) -> None:
        """There are no rounds any more."""
        self.late_s, self._due_s = 0.0, float("inf")

    def ended(self, now_s: float, late_s: float, due_s: float) -> None:
        """A round ended so much too late; the next one is due to end then."""
        self.late_s, self._due_s = late_s, due_s
        if late_s > self.BEHIND_S:
            self.behind_s, self.behind_at_s = late_s, now_s


LATENESS: Final = Lateness()
"""The process's: its cameras have one loop. A process without rounds is never late."""


class Rounds:
    """The rounds of one event loop. ``hand_over`` is called at the end of each, those of ``quick`` included: what
    others are to do meanwhile is given to them. ``after``: at the end of each of these. ``may_rest``: there are none
    while there is nothing to read."""

    def __init__(
        self,
        loop: Scheduler,
        interval_s: float = ROUND_S,
        *,
        hand_over: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
        may_rest: bool = False,
        lateness: Lateness = LATENESS,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._interval_s = interval_s
        self._hand_over = hand_over
        self._after = after
        self._may_rest = may_rest
        self._is_over = False
        self._lateness = lateness
        self._monotonic_s = monotonic_s
        # In the order in which they came.
        self._readers: dict[RoundReader, None] = {}
        # Those that this round has not read yet, the next one last.
        self._left: list[RoundReader] = []
        self._due_s = self._ended_s = monotonic_s()
        self.apart_s = interval_s
        """How far apart the rounds were lately at most: so long a frame may have waited before it was read."""
        self._handle: Call | None = None
        self._quick: Rounds | None = None
        self.pool: Any = None
        """What reads many connections at once, if there is one (``nvr.recorder.lane.pool``)."""

    @property
    def pools(self) -> list[Any]:
        """Those of these rounds and of ``quick``."""
        found = [self.pool, None if self._quick is None else self._quick.pool]
        return [pool for pool in found if pool is not None]

    @property
    def quick(self) -> Rounds:
        """Rounds beside these for the few for whom somebody waits; they rest while there are none."""
        if self._quick is None:
            self._quick = Rounds(
                self._loop,
                QUICK_S,
                hand_over=self._hand_over,
                may_rest=True,
                lateness=Lateness(),
                monotonic_s=self._monotonic_s,
            )
        return self._quick

    def start(self) -> None:
        """From now on, until ``stop``."""
        _rounds[self._loop] = self
        self._start()

    def _start(self) -> None:
        self._due_s = self._ended_s = self._monotonic_s()
        self._handle = self._loop.call_soon(self._begin)

    def stop(self) -> None:
        """Reads once more what waits, and no more."""
        self._is_over = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        _rounds.pop(self._loop, None)
        self._lateness.over()
        self.catch_up()
        if self._quick is not None:
            self._quick.stop()
        self._readers = {}

    def catch_up(self) -> None:
        """Reads now what waits in all sockets: what is to be ended ends with what it sent until then, not with the last
        round."""
        for reader in list(self._readers):
            while self._read(reader):
                pass
        if self._quick is not None:
            self._quick.catch_up()

    @staticmethod
    def _read(reader: RoundReader) -> bool:
        try:
            return reader.read()
        except Exception:
            # A fault of ours. Others are read all the same.
            log.exception("a round of reading failed: report this, with these lines")
            return False

    def add(self, reader: RoundReader) -> None:
        """This connection is read from the next round on."""
        self._readers[reader] = None
        if self._may_rest and self._handle is None and not self._is_over:
            self._start()

    def discard(self, reader: RoundReader) -> None:
        """This connection is not read any more, if it was."""
        self._readers.pop(reader, None)

    def __contains__(self, reader: RoundReader) -> bool:
        return reader in self._readers

    def _begin(self) -> None:
        self._left = list(reversed(self._readers))
        self._slice()

    def _slice(self) -> None:
        left, readers = self._left, self._readers
        until_s = self._monotonic_s() + _SLICE_S
        while left:
            reader = left.pop()
            # It may have ended meanwhile.
            if reader in readers and self._read(reader):
                left.append(reader)
            if left and self._monotonic_s() >= until_s:
                self._handle = self._loop.call_soon(self._slice)
                return
        self._end()

    def _end(self) -> None:
        self._hand_over()
        self._after()
        now_s = self._monotonic_s()
        apart_s = now_s - self._ended_s
        self.apart_s = max(apart_s, self._interval_s, _FORGETS * self.apart_s)
        self._lateness.ended(now_s, max(0.0, apart_s - self._interval_s), now_s + self._interval_s)
        self._ended_s = now_s
        self._due_s = max(self._due_s + self._interval_s, now_s)
        if self._may_rest and not self._readers:
            self._handle = None
            return
        self._handle = self._loop.call_later(self._due_s - now_s, self._begin)


_rounds: Final[weakref.WeakKeyDictionary[Scheduler, Rounds]] = weakref.WeakKeyDictionary()


def rounds_of(loop: Scheduler) -> Rounds | None:
    """The rounds of this event loop, if it has any."""
    return _rounds.get(loop)
