"""Who moves a camera: one person at a time, by priority. Pure, but for what it remembers.

Invariant: a camera has at most one lease; it goes to somebody else only if it fell idle, if they have a higher
priority, or if its holder handed it over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from storage.sentences import Sentence

__all__ = ["HELD_US", "PtzLease", "PtzLeases", "PtzTakenError", "PtzWish"]

HELD_US: Final = 15_000_000
"""So long after its holder's last input a lease is over."""

_WISH_US: Final = 60_000_000
_MOST_WISHES: Final = 20


@dataclass(frozen=True, slots=True)
class PtzWish:
    """Somebody who would like to move a camera that somebody else moves."""

    person: str
    name: str
    priority: int
    at_us: int


@dataclass(frozen=True, slots=True)
class PtzLease:
    """``person``: the id of the holder (``Actor.person``), ``name`` for people; ``last_us``: their last input."""

    person: str
    name: str
    priority: int
    since_us: int
    last_us: int
    wishes: tuple[PtzWish, ...] = ()

    @property
    def until_us(self) -> int:
        """When it is over, if nothing more is done."""
        return self.last_us + HELD_US

    def wished(self, now_us: int) -> tuple[PtzWish, ...]:
        """The wishes that still stand, the first first."""
        return tuple(wish for wish in self.wishes if now_us - wish.at_us < _WISH_US)


class PtzTakenError(Exception):
    """Somebody else moves the camera; the message says who."""

    def __init__(self, lease: PtzLease) -> None:
        super().__init__(
            Sentence("{name} moves this camera; it is free 15 s after they did something last", name=lease.name)
        )
        self.lease = lease


class PtzLeases:
    """The leases of all cameras, by id."""

    def __init__(self) -> None:
        self._held: dict[str, PtzLease] = {}

    def of(self, camera: str, now_us: int) -> PtzLease | None:
        """The lease of a camera; None: it is free."""
        found = self._held.get(camera)
        if found is not None and now_us >= found.until_us:
            del self._held[camera]
            return None
        return found

    def take(self, camera: str, person: str, name: str, priority: int, now_us: int) -> tuple[PtzLease, PtzLease | None]:
        """Gives somebody the lease, or keeps it theirs; and whose it was, if it was somebody else's.

        Raises:
            PtzTakenError: somebody of the same or a higher priority has it.
        """
        before = self.of(camera, now_us)
        if before is not None and before.person == person:
            wishes = before.wished(now_us)
            made = replace(before, name=name, priority=priority, last_us=now_us, wishes=wishes)
            self._held[camera] = made
            return made, None
        if before is not None and before.priority >= priority:
            raise PtzTakenError(before)
        made = PtzLease(person, name, priority, now_us, now_us)
        self._held[camera] = made
        return made, before

    def wish(self, camera: str, person: str, name: str, priority: int, now_us: int) -> None:
        """Tells the holder, if there is one, that somebody else would like to."""
        held = self.of(camera, now_us)
        if held is None or held.person == person:
            return
        others = [wish for wish in held.wished(now_us) if wish.person != person]
        wishes = (*others, PtzWish(person, name, priority, now_us))[-_MOST_WISHES:]
        self._held[camera] = replace(held, wishes=wishes)

    def hand_over(self, camera: str, person: str, now_us: int) -> PtzLease | None:
        """Gives the lease that somebody has to who wished for it first; None: they have none, or nobody wished."""
        held = self.of(camera, now_us)
        if held is None or held.person != person or not held.wished(now_us):
            return None
        first, *others = held.wished(now_us)
        made = PtzLease(first.person, first.name, first.priority, now_us, now_us, tuple(others))
        self._held[camera] = made
        return made

    def release(self, camera: str, person: str, now_us: int) -> bool:
        """Gives up the lease that somebody has; says whether they had it."""
        held = self.of(camera, now_us)
        if held is None or held.person != person:
            return False
        del self._held[camera]
        return True
