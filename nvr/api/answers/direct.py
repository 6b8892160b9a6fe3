"""Recorded bytes on their way from a file to a connection without coming through this program: ``sendfile(2)``.

Belongs here: what takes uvicorn's place while a stretch of a file is sent, and the seam by which an answer asks for it
(``DIRECT``, in a scope's ``extensions``). Invariants: bytes keep their order with what uvicorn wrote before and writes
after; a thread waits for a disk and never for a client; a client that takes nothing is seen to.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

import h11

__all__ = ["DIRECT", "DirectSender", "SendSome"]

DIRECT: Final = "nvr.direct"
"""In the ``extensions`` of a scope: the connection's ``DirectSender``, where it has one."""

# Few enough that a right that has ended is seen, and other downloads have their turn; many enough that the hop to a
# thread does not count.
_PIECE_BYTES: Final = 1 << 20

SendSome = Callable[[int, int, int], int]
"""Hands bytes ``[first, end)`` to the socket of this descriptor, as many as it takes at once, and says how many.
Raises ``ConnectionError`` where it is gone."""


class _Socket:
    """A descriptor of a connection, of its own: the connection may be closed while a thread sends. ``close`` takes
    effect when that has ended."""

    def __init__(self, fd: int) -> None:
        self.fd = os.dup(fd)
        self._lock = threading.Lock()
        self._is_used = self._is_closed = False

    def send(self, some: SendSome, first: int, end: int) -> int:
        """What ``some`` sends by it; nothing once it is closed."""
        with self._lock:
            if self._is_closed:
                return 0
            self._is_used = True
        try:
            return some(self.fd, first, end)
        finally:
            with self._lock:
                self._is_used = False
                if self._is_closed:
                    os.close(self.fd)

    def close(self) -> None:
        """To be called once."""
        with self._lock:
            self._is_closed = True
            if not self._is_used:
                os.close(self.fd)


class _Sent:
    """So many bytes of a body, for the parser to count."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count


class SendingConnection(Protocol):
    """What is needed of uvicorn's protocol."""

    transport: asyncio.Transport
    flow: Any
    conn: h11.Connection
    loop: asyncio.AbstractEventLoop


class DirectSender:
    """Sends for one connection, one answer at a time. ``waiting_bytes``: what the client has not taken, while it takes
    none."""

    def __init__(self, connection: SendingConnection) -> None:
        self._connection = connection
        self.waiting_bytes = 0

    async def send(self, some: SendSome, first: int, end: int, before_each: Callable[[], None]) -> None:
        """Sends bytes ``[first, end)`` of a body; ``before_each`` is called before each piece. A client that leaves
        cancels it.

        Raises:
            Exception: what ``some`` and ``before_each`` raise.
        """
        transport, loop = self._connection.transport, self._connection.loop
        sock: _Socket | None = None
        try:
            if not transport.is_closing():
                # What uvicorn has written goes first.
                transport.set_write_buffer_limits(high=0)
                await self._flushed()
            if not transport.is_closing():
                sock = _Socket(transport.get_extra_info("socket").fileno())
            while first < end:
                before_each()
                sent = 0
                if sock is not None and not transport.is_closing():
                    try:
                        last = min(first + _PIECE_BYTES, end)
                        sent = await loop.run_in_executor(None, sock.send, some, first, last)
                    except ConnectionError:
                        transport.abort()
                if sock is None or transport.is_closing():
                    # Whoever serves the connection hears of its end, and cancels this.
                    await loop.create_future()
                elif sent:
                    self._connection.conn.send_with_data_passthrough(h11.Data(data=_Sent(sent)))  # type: ignore[arg-type]
                    first += sent
                else:
                    self.waiting_bytes = end - first
                    await _writable(loop, sock.fd)
                    self.waiting_bytes = 0
        finally:
            self.waiting_bytes = 0
            if sock is not None:
                sock.close()
            if not transport.is_closing():
                transport.set_write_buffer_limits()

    async def _flushed(self) -> None:
        transport = self._connection.transport
        while transport.get_write_buffer_size() and not transport.is_closing():
            await self._connection.flow.drain()
            # A transport that does not look at its limits before it writes again.
            await asyncio.sleep(0)


async def _writable(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    """Waits until the socket takes more."""
    ready = asyncio.Event()
    loop.add_writer(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(fd)
