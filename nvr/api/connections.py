"""Connections of clients: how many, from where, and how long each may take. Under uvicorn, by a protocol class of our
own (its public seam).

Belongs here: what is decided before a request is whole, or after its answer is made. Invariants: who sends nothing, or
next to nothing, is not waited for; who takes nothing of an answer is not either, but whoever takes something is never
cut, however long it lasts; strangers' connections never take what page and health need: at a limit the one that has
waited longest without a whole request gives way to the new one.
"""

from __future__ import annotations

import asyncio
import enum
import fcntl
import functools
import resource
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nvr.api.http.attempts import network_of
from nvr.api.http.front import is_trusted
from nvr.api.http.refusals import Refusals
from nvr.api.http.settings import ApiSettings
from nvr.api.parsing import HeadTooLarge, Parser

__all__ = ["Connections", "Limits", "protocol_for", "raise_descriptors"]

# The API holds files of clips too; beyond this nothing of ours is any better, and the machine's table of files is
# everybody's.
_MOST_DESCRIPTORS: Final = 65_536
_MOST: Final = 4_000
_MOST_OF_ONE: Final = 512
_SWEEP_S: Final = 1.0
_FAREWELL_S: Final = 10.0


def _last_word(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()


_TIMEOUT: Final = _last_word("408 Request Timeout")
_INVALID: Final = _last_word("400 Bad Request")
_HEAD_TOO_LARGE: Final = _last_word("431 Request Header Fields Too Large")
_FULL: Final = _last_word("503 Service Unavailable\r\nretry-after: 5")


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
    ``body_bytes_per_s`` it brings; ``stalled_s``: an answer of which nothing is taken."""

    most: int = _MOST
    most_of_one: int = _MOST_OF_ONE
    head_s: float = 10.0
    body_s: float = 20.0
    body_bytes_per_s: int = 4_096
    stalled_s: float = 120.0

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
        if self.open:
            self._timer = loop.call_later(_SWEEP_S, self._sweep, loop)

    def _end(self, one: Held, why: str, last: bytes | None) -> None:
        self.refusals.add(why)
        self.remove(one)
        if last is None or one.has_answered:
            one.transport.abort()
            return
        one.transport.write(last)
        one.transport.close()


class GuardedProtocol(H11Protocol):
    """A connection that knows what it waits for and since when."""

    def __init__(self, *args: Any, guard: Connections, before: Held | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = Parser()
        self._guard = guard
        self._before = before
        self.peer = ""
        self.network = ""
        self.since_s = self.loop.time()
        self.received_bytes = 0
        self._has_begun = True
        self._left_bytes = 0
        self._moved_s = self.since_s

    @property
    def phase(self) -> Phase:
        """What it is at: by the parser's state of the client's side."""
        state = self.conn.their_state
        if state is h11.SEND_BODY and not self.flow.read_paused:
            return Phase.BODY
        if state is h11.IDLE:
            return Phase.HEAD if self._has_begun else Phase.IDLE
        return Phase.ANSWER

    @property
    def has_answered(self) -> bool:
        """Whether bytes of an answer have gone out for the request at hand."""
        return self.cycle is not None and self.cycle.response_started

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self.network = network_of(self.peer)
        if self._before is not None:
            # Counted since it was accepted; from here on as this.
            self._guard.remove(self._before)
        if not self._guard.add(self):
            transport.write(_FULL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        before = self.conn.their_state
        if before is h11.IDLE and not self._has_begun:
            self._has_begun, self.since_s = True, self.loop.time()
        self.received_bytes += len(data)
        super().data_received(data)
        if self.conn.their_state is not before:
            self.since_s, self.received_bytes = self.loop.time(), 0
            self._has_begun = False
            self._guard.begins(self)

    def on_response_complete(self) -> None:
        self._has_begun, self.since_s = False, self.loop.time()
        self._guard.begins(self)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Ends a connection that speaks no HTTP, or too much of it: with a word where nothing was said yet."""
        is_large = isinstance(sys.exception(), HeadTooLarge)
        self._guard.refusals.add("head_too_large" if is_large else "invalid_http")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        self.transport.write(_HEAD_TOO_LARGE if is_large else _INVALID)
        self.transport.close()

    def has_stalled(self, now_s: float, patience_s: float) -> bool:
        """Whether bytes wait to be taken, and for this long none was."""
        left = self._waiting_bytes()
        # The end of TLS is answered by whoever is still there.
        is_leaving = left == 0 and self._is_tls and self.transport.is_closing()
        if left != self._left_bytes or (left == 0 and not is_leaving):
            self._left_bytes, self._moved_s = left, now_s
            return False
        return now_s - self._moved_s > (min(patience_s, _FAREWELL_S) if is_leaving else patience_s)

    @property
    def _is_tls(self) -> bool:
        return self.scheme == "https"

    def _waiting_bytes(self) -> int:
        """What is sent and not acknowledged: here, and in the kernel (SIOCOUTQ)."""
        here = self.transport.get_write_buffer_size()
        sock = self.transport.get_extra_info("socket")
        if sock is None or (here == 0 and not self._is_tls):
            # The kernel resends by itself, and gives up by itself: nothing of ours waits. Below TLS there may be
            # another 64 KiB that can't be asked for.
            return here
        try:
            (kernel,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
        except OSError:
            return here
        return here + int(kernel)


def protocol_for(guard: Connections) -> Any:
    """What uvicorn makes a connection's protocol with."""
    return functools.partial(GuardedProtocol, guard=guard)
