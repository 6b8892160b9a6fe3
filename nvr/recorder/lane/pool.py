"""Lanes whose sockets the extension reads, many in one call: Python hears of a connection when a fragment is whole, or
something is not regular.

On the event loop alone: before other threads end connections, the rounds are over. Invariant: a connection is read
either here or by itself (``Connection.read``), never by both.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from nvr.recorder.loop.rounds import Rounds

if TYPE_CHECKING:
    from nvr.recorder.lane.lane import FastLane

__all__ = ["LanePool", "pool_of"]

# So many at once: about a quarter of a millisecond.
_AT_ONCE: Final = 64


class LanePool:
    """Those that are read in these rounds. ``module`` is the extension."""

    def __init__(
        self, rounds: Rounds, module: Any, realtime_us: Callable[[], int], monotonic_us: Callable[[], int]
    ) -> None:
        self._rounds = rounds
        self._pool = module.Pool()
        self._realtime_us = realtime_us
        self._monotonic_us = monotonic_us
        self._lanes: dict[int, FastLane] = {}
        self._cameras: dict[int, str] = {}
        self._numbers = itertools.count()
        self._is_under_way = False

    def add(self, lane: FastLane, state: Any) -> int:
        """Reads this lane's socket from now on, whose state in the extension is ``state``; its number here."""
        number = next(self._numbers)
        self._lanes[number] = lane
        self._cameras[number] = lane.camera
        self._pool.add(number, state)
        self._rounds.add(self)
        return number

    def remove(self, number: int) -> None:
        """This one is not read any more."""
        self._lanes.pop(number, None)
        self._cameras.pop(number, None)
        self._pool.remove(number)
        if not self._lanes:
            self._rounds.discard(self)

    def waiting(self, before_us: int) -> tuple[int | None, frozenset[str], frozenset[str]]:
        """Frames that no disk has yet, by the monotonic clock, microseconds: when the oldest was read of cameras of
        which something was read since ``before_us``; the cameras that have one and of which nothing was; all that are
        here."""
        oldest_us, quiet = self._pool.waiting(before_us)
        cameras = self._cameras
        return oldest_us, frozenset([cameras[number] for number in quiet]), frozenset(cameras.values())

    def read(self) -> bool:
        """As a ``RoundReader``."""
        if not self._is_under_way:
            self._pool.begin()
        lanes = self._lanes
        self._is_under_way, told = self._pool.read(_AT_ONCE, self._realtime_us(), self._monotonic_us())
        while told:
            is_any_fragment = False
            for number, why, code, fragment in told:
                is_any_fragment = is_any_fragment or fragment is not None
                # What came of another one may have ended it.
                if (lane := lanes.get(number)) is not None:
                    lane.came(why, code, fragment)
            told = self._pool.go_on(self._realtime_us(), self._monotonic_us()) if is_any_fragment else ()
        return self._is_under_way


def _realtime_us() -> int:
    return time.time_ns() // 1000


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


def pool_of(
    rounds: Rounds,
    module: Any,
    realtime_us: Callable[[], int] = _realtime_us,
    monotonic_us: Callable[[], int] = _monotonic_us,
) -> LanePool:
    """The pool that is read in these rounds; if there is none yet, it has these clocks."""
    found = rounds.pool
    if not isinstance(found, LanePool):
        found = rounds.pool = LanePool(rounds, module, realtime_us, monotonic_us)
    return found
