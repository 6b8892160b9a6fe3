"""When a worker's cameras may connect: a storm of connections must not cost those that record, and must be over within
seconds.

Two parts, both pure: ``Limiter`` spreads connections by what they cost, and further while the loop does not keep up;
``Outages`` knows which cameras fell together, so that the first to come back wakes the others instead of letting each
wait out its half minute. ``Turns`` puts the first on the event loop. Invariant: two connections begin at least half of
the first one's cost apart, and a camera that waits is served within four times the queue before it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

__all__ = ["Limiter", "Outages", "Turns"]

# Of so many turns one is for those that failed again and again.
_SHARE: Final = 4
# Cameras that fell within this time of one another fell for one reason.
_TOGETHER_S: Final = 15.0
_NOT_TWICE_IN_S: Final = 2.0
# A round of reading that ends so much too late says that there is more to do than this machine can. What beginning
# a connection costs differs by ten times and more with the machine and what else it does, so it is found out: half as
# many begin after each such round, a fifth more for each second without one.
_LATE_S: Final = 1.0
_FASTER: Final = 1.2
_MOST_SLOWED: Final = 1_000.0
# So often one begins whatever the loop does: some may be all that is still recorded.
_SELDOMEST_S: Final = 1.0
# Of turns that were due while the loop did something else so long ago are given now.
_MADE_UP_S: Final = 0.1


class Limiter:
    """Whose turn it is. Tickets are ``fresh`` or not: cameras that have failed for long go behind those that have just
    fallen, are new or have a reason to be tried, but get every fourth turn."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._fresh: OrderedDict[Hashable, float] = OrderedDict()
        self._stale: OrderedDict[Hashable, float] = OrderedDict()
        self._free_at = 0.0
        self._turns = 0
        self._ended_at: float | None = None
        self.slowed = 1.0
        """How many times further apart connections begin than their cost says."""

    def round_ended(self, now: float, late_s: float) -> None:
        """A round of reading has ended, so much later than it should have."""
        passed_s = 0.0 if self._ended_at is None else now - self._ended_at
        self._ended_at = now
        if late_s > _LATE_S:
            self.slowed = min(2.0 * self.slowed, _MOST_SLOWED)
        elif self.slowed > 1.0:
            self.slowed = max(1.0, self.slowed / _FASTER ** min(1.0, passed_s))

    def ask(self, ticket: Hashable, cost_s: float, *, fresh: bool) -> None:
        """Queues a ticket."""
        (self._fresh if fresh else self._stale)[ticket] = cost_s

    def withdraw(self, ticket: Hashable) -> None:
        """The ticket is of no use any more."""
        self._fresh.pop(ticket, None)
        self._stale.pop(ticket, None)

    def wait_s(self, now: float) -> float | None:
        """How long until a turn; None if nobody waits."""
        return max(0.0, self._free_at - now) if self._fresh or self._stale else None

    def next(self, now: float) -> Hashable | None:
        """The ticket whose turn it is, if it is anyone's."""
        if now < self._free_at or not (self._fresh or self._stale):
            return None
        self._turns += 1
        stale_first = self._turns % _SHARE == 0
        queue = self._stale if (self._stale and (stale_first or not self._fresh)) else self._fresh
        ticket, cost_s = queue.popitem(last=False)
        # From now, not from when it was due: what a busy moment held up is not made up for by a burst.
        self._free_at = now + max(cost_s, min(cost_s * self.slowed, _SELDOMEST_S)) * (0.5 + self._jitter())
        return ticket


class Outages:
    """Which cameras do not record, since when, and when each was last tried or woken. Times are seconds of a monotonic
    clock."""

    def __init__(self) -> None:
        self._fell: dict[str, float] = {}
        self._touched: dict[str, float] = {}

    def fell(self, camera: str, now: float) -> None:
        """An attempt of this camera, or its recording, has ended."""
        self._fell.setdefault(camera, now)
        self._touched[camera] = now

    def forget(self, camera: str) -> None:
        """The camera is no longer ours."""
        self._fell.pop(camera, None)
        self._touched.pop(camera, None)

    def came(self, camera: str, now: float) -> list[str]:
        """The camera records again: those that fell with it and should be tried now."""
        fell = self._fell.get(camera)
        self.forget(camera)
        if fell is None:
            return []
        woken = [
            other
            for other, at in self._fell.items()
            if abs(at - fell) <= _TOGETHER_S and now - self._touched[other] >= _NOT_TWICE_IN_S
        ]
        self._touched.update(dict.fromkeys(woken, now))
        return woken


class Turns:
    """The limiter on this event loop."""

    def __init__(self, limiter: Limiter | None = None) -> None:
        self._limiter = limiter or Limiter()
        self._pump: asyncio.Task[None] | None = None

    def round_ended(self, late_s: float) -> None:
        """A round of reading has ended, so much later than it should have."""
        self._limiter.round_ended(time.monotonic(), late_s)

    async def turn(self, cost_s: float, *, fresh: bool) -> None:
        """Returns when the caller may connect, which takes ``cost_s``."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limiter.ask(ticket, cost_s, fresh=fresh)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve(), name="turns")
        try:
            await ticket
        finally:
            self._limiter.withdraw(ticket)

    async def _serve(self) -> None:
        at_s = time.monotonic()
        while (wait_s := self._limiter.wait_s(at_s)) is not None:
            now_s = time.monotonic()
            # What a busy moment held up is given now; a longer hold-up is not made up for by a burst.
            at_s = max(at_s + wait_s, now_s - _MADE_UP_S)
            if at_s > now_s:
                await asyncio.sleep(at_s - now_s)
            ticket = self._limiter.next(at_s)
            if isinstance(ticket, asyncio.Future) and not ticket.done():
                ticket.set_result(None)
