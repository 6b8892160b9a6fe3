"""A connection of uvicorn's that knows what it waits for, since when, and what of an answer was not taken. By uvicorn's
public seam, ``Config(http=…)``.

Belongs here: what one connection tells ``nvr.api.connections``, which decides, and how it ends. Invariants: nothing of
a request is kept once it is answered; who sends requests ahead, before the answer to the one before, which no browser
does, has a few answers a second: a thousand requests are sent in a moment, and answering them is what others wait for.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import struct
import sys
import termios
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nvr.api.answers.direct import DIRECT, DirectSender
from nvr.api.connections import Connections, Held, Phase, last_word
from nvr.api.http.attempts import network_of
from nvr.api.parsing import HeadTooLarge, Parser

__all__ = ["GuardedProtocol", "protocol_for"]

_FAREWELL_S: Final = 10.0
_REST_S: Final = 0.25
_INVALID: Final = last_word("400 Bad Request")
_HEAD_TOO_LARGE: Final = last_word("431 Request Header Fields Too Large")
_FULL: Final = last_word("503 Service Unavailable\r\nretry-after: 5")


class GuardedProtocol(H11Protocol):
    """A connection that knows what it waits for and since when."""

    def __init__(self, *args: Any, guard: Connections, before: Held | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = Parser()
        self._asked = self.app
        self.app = self._answer
        self._direct = DirectSender(self)
        self._guard = guard
        self._before = before
        self.peer = ""
        self.network = ""
        self.since_s = self.loop.time()
        self.received_bytes = 0
        self._has_begun = True
        self._left_bytes = 0
        self._moved_s = self.since_s
        self._is_resting = False

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        # Through TLS all bytes have to come by here.
        extensions = {} if self._is_tls else {DIRECT: self._direct}
        await self._asked({**scope, "extensions": extensions}, receive, send)

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
        # What of a body came before the answer nobody reads any more; more of it may come for as long as it likes.
        self.cycle.body = bytearray()
        self._has_begun, self.since_s = False, self.loop.time()
        self._guard.begins(self)
        self._is_resting = (
            h11.DONE is self.conn.our_state is self.conn.their_state and self.conn.trailing_data[0] != b""
        )
        super().on_response_complete()
        if self._is_resting and not self.transport.is_closing():
            self.flow.pause_reading()
            self.loop.call_later(_REST_S, self._go_on)

    def handle_events(self) -> None:
        if not self._is_resting:
            super().handle_events()

    def _go_on(self) -> None:
        self._is_resting = False
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.handle_events()

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

    @property
    def unsent_bytes(self) -> int:
        """What of answers waits here to be taken."""
        return int(self.transport.get_write_buffer_size())

    @property
    def moved_s(self) -> float:
        """When some of it was last taken, as far as was looked (``has_stalled``)."""
        return self._moved_s

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
        here = self.transport.get_write_buffer_size() + self._direct.waiting_bytes
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
