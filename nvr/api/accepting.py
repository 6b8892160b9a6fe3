"""Taking connections where the server speaks TLS: what is decided from a connection's first byte, before uvicorn sees
it.

Belongs here: accepting, the handshake, the certificate in use. Invariants: a connection counts, by its address, from
the moment it is accepted, so that strangers who begin no handshake, or end none, take nobody's place; a certificate
that was renewed is used for the next connection, and one that can't be used never replaces one that can.

Who speaks plain HTTP to this port is let through to the application, which sends them to https
(``nvr.api.http.front``): an address from before keeps working.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from nvr.api.connections import Connections, Phase
from nvr.api.http.attempts import network_of
from nvr.tls.errors import TlsError

__all__ = ["Acceptor", "ServedCertificate", "Unproven"]

log = logging.getLogger(__name__)

_AT_ONCE: Final = 64
_HANDSHAKE: Final = 0x16
_LOOK_S: Final = 10.0
_AGAIN_S: Final = 0.5
# Who is still taking an answer when it is closed is not cut: the guard's own bounds apply to them.
_SHUTDOWN_S: Final = 3600.0


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    # Most servers have none, and what reads one is large.
    from nvr.tls.pair import make_context

    return make_context(certificate, key)


class ServedCertificate:
    """The context for new connections; its files are looked at again every ten seconds.

    Raises:
        TlsError: they can't be used, when it is made.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self.context = _context(*self._files)
        self._seen = self._state()
        self._wrong = ""

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        states = [path.stat() for path in self._files]
        return tuple((state.st_ino, state.st_size, state.st_mtime_ns) for state in states)

    def refresh(self) -> bool:
        """Loads the files again if they changed; whether it did."""
        try:
            state = self._state()
            if state == self._seen:
                return False
            self.context = _context(*self._files)
        except (TlsError, OSError) as error:
            # Half of a renewal, most likely; what was goes on.
            if str(error) != self._wrong:
                log.warning("the certificate was changed and can't be used yet; the one before stays in use: %s", error)
            self._wrong = str(error)
            return False
        self._seen, self._wrong = state, ""
        log.info("the certificate was changed: new connections get the new one")
        return True


class Unproven:
    """A connection without a handshake yet, as the guard of connections counts it."""

    phase = Phase.HEAD
    # Nothing can be said to it before it speaks TLS.
    has_answered = True
    received_bytes = 0
    unsent_bytes = 0
    moved_s = 0.0

    def __init__(self, sock: socket.socket, peer: str, since_s: float) -> None:
        self.sock: socket.socket | None = sock
        self.peer = peer
        self.network = network_of(peer)
        self.since_s = since_s
        self.transport = self
        self.task: asyncio.Task[None] | None = None
        self.on_abort: Callable[[], None] = lambda: None

    def is_closing(self) -> bool:
        """As a transport has it."""
        return False

    def abort(self) -> None:
        """Ends it, wherever it is at."""
        self.on_abort()
        if self.task is not None:
            self.task.cancel()
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def write(self, data: bytes) -> None:
        """Nothing is said before the handshake."""

    def close(self) -> None:
        """As ``abort``."""
        self.abort()

    def has_stalled(self, now_s: float, patience_s: float) -> bool:
        """It is given nothing that it could leave."""
        return False


class Acceptor:
    """Accepts on ``sockets``. ``protocol`` makes what serves a connection, which the guard then counts instead."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        certificate: ServedCertificate,
        guard: Connections,
        protocol: Callable[[Unproven], asyncio.Protocol],
    ) -> None:
        self._sockets = sockets
        self._certificate = certificate
        self._guard = guard
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._unproven: set[Unproven] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to accept."""
        for sock in self._sockets:
            sock.setblocking(False)
            self._loop.add_reader(sock.fileno(), self._accept, sock)
        self._watching = self._loop.create_task(self._watch())

    def stop(self) -> None:
        """Accepts no more; who has not ended a handshake is let go. Others are uvicorn's."""
        for sock in self._sockets:
            if (timer := self._timers.pop(sock.fileno(), None)) is not None:
                timer.cancel()
            self._loop.remove_reader(sock.fileno())
        if self._watching is not None:
            self._watching.cancel()
        for one in list(self._unproven):
            one.abort()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await asyncio.to_thread(self._certificate.refresh)

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                made, address = sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                log.error("no connection can be taken at the moment: %s", error.strerror)
                self._loop.remove_reader(sock.fileno())
                self._timers[sock.fileno()] = self._loop.call_later(_AGAIN_S, self._resume, sock)
                return
            self._take(made, str(address[0]))

    def _resume(self, sock: socket.socket) -> None:
        self._timers.pop(sock.fileno(), None)
        self._loop.add_reader(sock.fileno(), self._accept, sock)

    def _take(self, sock: socket.socket, peer: str) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one = Unproven(sock, peer, self._loop.time())
        if not self._guard.add(one):
            sock.close()
            return
        number = sock.fileno()
        one.on_abort = lambda: self._forget(one, number)
        self._unproven.add(one)
        self._loop.add_reader(number, self._first, one)

    def _forget(self, one: Unproven, number: int | None = None) -> None:
        self._unproven.discard(one)
        self._guard.remove(one)
        if number is not None and one.sock is not None:
            self._loop.remove_reader(number)

    def _first(self, one: Unproven) -> None:
        sock = one.sock
        assert sock is not None
        try:
            first = sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        if not first:
            one.abort()
            return
        self._loop.remove_reader(sock.fileno())
        context = self._certificate.context if first[0] == _HANDSHAKE else None
        one.task = self._loop.create_task(self._serve(one, context))

    async def _serve(self, one: Unproven, context: ssl.SSLContext | None) -> None:
        sock, one.sock = one.sock, None
        assert sock is not None
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._protocol(one),
                sock,
                ssl=context,
                ssl_handshake_timeout=None if context is None else self._guard.limits.head_s,
                ssl_shutdown_timeout=None if context is None else _SHUTDOWN_S,
            )
        except (OSError, ssl.SSLError):
            # Scanners, and browsers that do not know the authority: a number, not a line each.
            self._guard.refusals.add("tls_handshake")
        finally:
            self._forget(one)
