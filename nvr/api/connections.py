"""Connections of clients: how many, from where, and how long each may take. Each is a ``nvr.api.guarded_protocol``, or
one without a handshake yet (``nvr.api.accepting``).

Belongs here: what is decided before a request is whole, or after its answer is made. Invariants: who sends nothing, or
next to nothing, is not waited for; who takes nothing of an answer is not either, but whoever takes something is never
cut, however long it lasts; strangers' connections never take what page and health need: at a limit the one that has
waited longest without a whole request gives way to the new one.
"""

from __future__ import annotations

import asyncio
import enum
import resource
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from nvr.api.http.front import is_trusted
from nvr.api.http.refusals import Refusals
from nvr.api.http.settings import ApiSettings

__all__ = ["Connections", "Held", "Limits", "Phase", "last_word", "raise_descriptors"]

# The API holds files of clips too; beyond this nothing of ours is any better, and the machine's table of files is
# everybody's.
_MOST_DESCRIPTORS: Final = 65_536
_MOST: Final = 4_000
_MOST_OF_ONE: Final = 512
_SWEEP_S: Final = 1.0
# Of a download a megabyte waits at most, and what the transport had.
_PIECE_BYTES: Final = 3 << 19


def last_word(status: str) -> bytes:
    """An answer of this status, after which the connection ends."""
    return f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()


_TIMEOUT: Final = last_word("408 Request Timeout")


def raise_descriptors() -> int:
    """Raises this process's limit of descriptors as far as it may, and returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


@dataclass(frozen=True, slots=True)
class Limits:
    """``most`` connections in all, ``most_of_one`` from one address (or IPv6 /64; not from trusted proxies, whose own
    limit counts). ``head_s``: until a request's headers are whole; a body has ``body_s`` and a second more for each
    ``body_bytes_per_s`` it brings; ``stalled_s``: an answer of which nothing is taken. Of whole answers that wait to be
    taken, ``unsent_bytes_of_one`` is what one address may have, and ``unsent_bytes`` all."""

    most: int = _MOST
    most_of_one: int = _MOST_OF_ONE
    head_s: float = 10.0
    body_s: float = 20.0
    body_bytes_per_s: int = 4_096
    stalled_s: float = 120.0
    unsent_bytes: int = 384 << 20
    unsent_bytes_of_one: int = 128 << 20

    @classmethod
    def within(cls, descriptors: int) -> Limits:
        """For a process with so many descriptors: half of them, at most, are connections; the others are for files and
        the catalogue."""
        most = max(32, min(_MOST, descriptors // 2))
        return cls(most=most, most_of_one=max(16, min(_MOST_OF_ONE, most // 4)))


class Phase(enum.Enum):
    """What a connection is at."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"


class Held(Protocol):
    """A connection as the guard of them all sees it, before a handshake or after."""

    peer: str
    network: str
    since_s: float
    received_bytes: int

    @property
    def unsent_bytes(self) -> int:
        """What of answers waits to be taken."""

    @property
    def moved_s(self) -> float:
        """When some of it was last taken."""

    @property
    def phase(self) -> Phase:
        """What it is at."""

    @property
    def has_answered(self) -> bool:
        """Whether nothing more can be said to it."""

    @property
    def transport(self) -> Any:
        """What ends it."""

    def has_stalled(self, now_s: float, patience_s: float) -> bool:
        """Whether nothing of what it is sent was taken for so long."""


@dataclass(eq=False)
class Connections:
    """All of a process. Used on its event loop only."""

    limits: Limits
    settings: Callable[[], ApiSettings]
    refusals: Refusals
    # By address, those that began something longest ago first.
    open: dict[str, dict[Held, None]] = field(default_factory=dict)
    count: int = 0
    _timer: asyncio.TimerHandle | None = None

    def add(self, one: Held) -> bool:
        """Takes a new connection, if need be in place of one that waits. False: there is none to give way."""
        is_bound = not is_trusted(one.peer, self.settings())
        theirs = self.open.get(one.network, {})
        if is_bound and len(theirs) >= self.limits.most_of_one and not self._give_way(theirs):
            self.refusals.add("connection_refused")
            return False
        if self.count >= self.limits.most and not any(map(self._give_way, self._most_first())):
            self.refusals.add("connection_refused")
            return False
        self.open.setdefault(one.network, {})[one] = None
        self.count += 1
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_SWEEP_S, self._sweep, loop)
        return True

    def remove(self, one: Held) -> None:
        """It is gone; once more is no matter."""
        theirs = self.open.get(one.network, {})
        if one not in theirs:
            return
        del theirs[one]
        self.count -= 1
        if not theirs:
            del self.open[one.network]

    def begins(self, one: Held) -> None:
        """It begins something new: it is the last to give way."""
        theirs = self.open.get(one.network, {})
        if one in theirs:
            del theirs[one]
            theirs[one] = None

    def _most_first(self) -> Iterator[dict[Held, None]]:
        yield from sorted(self.open.values(), key=len, reverse=True)

    def _give_way(self, theirs: dict[Held, None]) -> bool:
        """Ends that of these that has waited longest without a whole request."""
        oldest = next((one for one in theirs if one.phase is not Phase.ANSWER), None)
        if oldest is None:
            return False
        self.refusals.add("connection_gave_way")
        self.remove(oldest)
        oldest.transport.abort()
        return True

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now_s = loop.time()
        for one in [one for theirs in self.open.values() for one in theirs]:
            if one.transport.is_closing():
                # Its last bytes are not taken either, or it does not answer the end of TLS.
                if one.has_stalled(now_s, self.limits.stalled_s):
                    self._end(one, "timeout_write", None)
            elif one.phase is Phase.HEAD:
                if now_s - one.since_s > self.limits.head_s:
                    self._end(one, "timeout_head", _TIMEOUT)
            elif one.phase is Phase.BODY:
                if now_s - one.since_s > self.limits.body_s + one.received_bytes / self.limits.body_bytes_per_s:
                    self._end(one, "timeout_body", _TIMEOUT)
            elif one.has_stalled(now_s, self.limits.stalled_s):
                self._end(one, "timeout_write", None)
        for theirs in list(self.open.values()):
            if not is_trusted(next(iter(theirs)).peer, self.settings()):
                self._relieve(theirs, self.limits.unsent_bytes_of_one)
        self._relieve([one for theirs in self.open.values() for one in theirs], self.limits.unsent_bytes)
        if self.open:
            self._timer = loop.call_later(_SWEEP_S, self._sweep, loop)

    def _relieve(self, some: Iterable[Held], most_bytes: int) -> None:
        """Ends whoever has taken nothing of an answer for the longest, until no more than this waits to be taken. Those
        that are sent what they load piece by piece are left alone: a piece is all that waits."""
        large = [one for one in some if one.unsent_bytes > _PIECE_BYTES]
        waiting_bytes = sum(one.unsent_bytes for one in large)
        for one in sorted(large, key=lambda one: (one.moved_s, -one.unsent_bytes)):
            if waiting_bytes <= most_bytes:
                return
            waiting_bytes -= one.unsent_bytes
            self._end(one, "unsent", None)

    def _end(self, one: Held, why: str, last: bytes | None) -> None:
        self.refusals.add(why)
        self.remove(one)
        if last is None or one.has_answered:
            one.transport.abort()
            return
        one.transport.write(last)
        one.transport.close()
