"""An RTSP connection: bytes in, requests out, answers matched. No session, no media.

Lives on one event loop. Invariant: after ``closed`` is done nothing is handed to a handler any more, and every request
has ended.
"""

from __future__ import annotations

import asyncio
import fcntl
import re
import socket
import ssl
import struct
import termios
import weakref
from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from typing import Final, Protocol, cast

from nvr.recorder.loop.deadline import Deadline, within
from nvr.recorder.loop.rounds import Rounds, rounds_of
from nvr.recorder.media.packets import PacketLane
from nvr.recorder.sources.rtp.errors import (
    CertificateError,
    ClosedError,
    NoAnswerError,
    ProtocolError,
    StatusError,
    bare,
)
from nvr.recorder.sources.rtsp.dial import dial
from nvr.recorder.sources.rtsp.framing import Framing, ReadBuffer, nobody
from nvr.recorder.sources.rtsp.login import Login
from nvr.recorder.sources.rtsp.message import Message, encode_request, encode_response
from nvr.recorder.sources.rtsp.tls import Tls

__all__ = ["TAP", "Connection", "Tap", "connect"]

_SESSION_ID: Final = re.compile(r"[\x21-\x3a\x3c-\x7e]{1,256}")
_LOOSE_S: Final = 0.3
_LOOSE_LOOK_S: Final = 0.05
# A request without a login, one with it, one more with a new nonce.
_MOST_TRIES: Final = 3
# What a camera that does not read may leave unsent before it is given up: we send some hundred bytes a minute.
_MOST_UNSENT_BYTES: Final = 1 << 16
# What a camera may send between two rounds, from the first on: two seconds of 4 Mbit/s. The kernel begins with 64 kB
# and lets it grow by what was read, but until then a camera whose own buffer is small drops pictures.
_WINDOW_BYTES: Final = 1 << 20
# Of struct tcp_info (linux/tcp.h): tcpi_last_data_recv, milliseconds; and how much of it is asked for.
_LAST_CAME: Final = struct.Struct("=52xI")
_WAITING: Final = struct.Struct("i")
# Reads of one connection in one round: what is left then waits for the next.
_MOST_READS: Final = 32
_ANSWERS: Final = {
    "OPTIONS": (200, "OK"),
    "SET_PARAMETER": (200, "OK"),
    "GET_PARAMETER": (200, "OK"),
    "ANNOUNCE": (200, "OK"),
}

# Stands for an answer that did not come.
_SILENCE: Final = Message(0, "", "", "", ())

_buffers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ReadBuffer] = weakref.WeakKeyDictionary()


def _buffer() -> ReadBuffer:
    """The read buffer of the running loop: its connections read one at a time."""
    loop = asyncio.get_running_loop()
    found = _buffers.get(loop)
    if found is None:
        found = _buffers[loop] = ReadBuffer()
    return found


class Tap(Protocol):
    """Sees all bytes of a connection as they go over it: for a capture."""

    def received(self, data: bytes) -> None:
        """From the camera."""

    def sent(self, data: bytes) -> None:
        """To the camera."""


TAP: Final[ContextVar[Tap | None]] = ContextVar("tap", default=None)
"""The tap of connections that are made in this context; recording has none."""


class Connection(asyncio.BufferedProtocol):
    """A client's connection. ``handle`` is ``Framing``'s: what handlers raise ends the connection, and is what
    ``closed`` results in."""

    def __init__(self, login: Login | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._login = login
        self._framing = Framing(_buffer(), nobody)
        self.handle = self._framing.handle
        self._transport: asyncio.Transport | None = None
        self.socket: socket.socket | None = None
        """As the kernel knows it."""
        self._cseq = 0
        self._pending: dict[int, asyncio.Future[Message]] = {}
        self.closed: asyncio.Future[Exception] = self._loop.create_future()
        # As ``closed``, for each read.
        self._is_closed = False
        self.session = ""
        self.agent = "nvr"
        # Whether the camera's answers have the numbers of requests.
        self._counts = False
        # The camera's IP address, and ours towards it.
        self.address = self.local = ""
        self._tap = TAP.get()
        self._reading: memoryview | None = None
        self._rounds: Rounds | None = None
        self._is_encrypted = self._is_let_through = False

    def offer(self, lane: PacketLane) -> Framing:
        """From now on what is read is offered to this lane first; what the others are read by."""
        self._framing.lane = lane
        return self._framing

    @property
    def junk_bytes(self) -> int:
        """Bytes that belonged to nothing."""
        return self._framing.junk_bytes

    @property
    def strangers(self) -> int:
        """Packets of channels that were never set up."""
        return self._framing.strangers

    @property
    def tail(self) -> int:
        """The channel whose packet ended the read that is being settled; see ``Framing``."""
        return self._framing.tail

    def quiet_us(self) -> int | None:
        """How long ago the last bytes that were read reached this machine, microseconds, to the kernel's few
        milliseconds; None if that can't be known: more has come since. The kernel sees packets come that nobody reads
        for half a second."""
        if self.socket is None or self.closed.done():
            return None
        try:
            info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_CAME.size)
            # In this order: what is not waiting now had not come then.
            waiting = fcntl.ioctl(self.socket.fileno(), termios.FIONREAD, bytes(_WAITING.size))
        except OSError:
            return None
        if len(info) < _LAST_CAME.size or _WAITING.unpack(waiting)[0]:
            return None
        return int(_LAST_CAME.unpack(info)[0]) * 1000

    # From the event loop ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        # Not before: what was never connected is never told that it was lost, and so would not let go.
        self._framing.on_message = self._message
        # A low-water mark makes Linux have room for as much, and lets it go on to grow; a size for the buffer would end
        # that. Then it is taken back: what is there is to be read however little it is.
        connected = self.socket = self._transport.get_extra_info("socket")
        self.address = str((self._transport.get_extra_info("peername") or ("",))[0])
        self.local = str((self._transport.get_extra_info("sockname") or ("",))[0])
        for bytes_ in (_WINDOW_BYTES, 1):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, bytes_)

    def read_in_rounds(self, *, quick: bool = False) -> None:
        """From now on the loop no longer reads at once what comes, but in rounds, if it has any; ``quick``: in those
        that are close to each other. Not while the lane reads the socket."""
        transport, rounds = self._transport, rounds_of(self._loop)
        if rounds is None or transport is None or self._is_closed:
            return
        if quick:
            rounds = rounds.quick
        before, self._rounds = self._rounds, rounds
        if before is not None:
            before.discard(self)
            rounds.add(self)
            return
        self._is_encrypted = transport.get_extra_info("sslcontext") is not None
        if self._is_encrypted:
            self._hold_back(_WINDOW_BYTES)
        else:
            transport.pause_reading()
        rounds.add(self)

    def _hold_back(self, bytes_: int) -> None:
        """The kernel says nothing of what came until it is so much, or its buffer is full, or the camera hangs up."""
        if self.socket is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, bytes_)

    def read(self) -> bool:
        """Reads what waits in the socket, as a ``RoundReader``."""
        connected = self.socket
        if self._is_closed or connected is None:
            return False
        if self._is_encrypted:
            # Only the transport can read it, which does so in the next turn of the loop.
            self._is_let_through = True
            self._hold_back(1)
            return False
        for _ in range(_MOST_READS):
            view = self.get_buffer(-1)
            try:
                count = connected.recv_into(view)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self.broke(error)
                return False
            if not count:
                self.eof_received()
                return False
            self.buffer_updated(count)
            if self._is_closed:
                return False
            if count < len(view):
                break
        lane, rounds = self._framing.lane, self._rounds
        if lane is not None and lane.is_in and rounds is not None and self._tap is None:
            rounds.discard(self)
            lane.read_in(rounds, self)
        return False

    def resumed(self, rest: bytes, why: int) -> None:
        """The lane, which reads the socket itself, stopped before this for some reason."""
        if self._is_closed:
            return
        try:
            self._framing.resumed(rest, why)
        except Exception as error:
            self.fail(error)

    def left(self) -> None:
        """The lane does not read the socket any more."""
        if self._rounds is not None:
            self._rounds.add(self)

    def broke(self, error: OSError) -> None:
        """Nothing can be read any more."""
        self.fail(ClosedError(f"the connection broke: {error.__class__.__name__}"))

    def get_buffer(self, sizehint: int) -> memoryview:
        view = self._framing.get_buffer()
        if self._tap is not None:
            self._reading = view
        return view

    def buffer_updated(self, nbytes: int) -> None:
        if self._tap is not None and self._reading is not None:
            self._tap.received(bytes(self._reading[:nbytes]))
        if self._is_closed:
            return
        if self._is_let_through:
            self._is_let_through = False
            self._hold_back(_WINDOW_BYTES)
        try:
            self._framing.received(nbytes)
        except Exception as error:
            # Also what a handler raises: it is told where the connection is waited for.
            self.fail(error)

    def eof_received(self) -> None:
        self.fail(ClosedError("the camera closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        # An OSError's text holds no credentials: there is no URL at this level.
        text = "the camera closed the connection" if exc is None else f"the connection broke: {exc.__class__.__name__}"
        self.fail(ClosedError(text))
        # What it refers to refers to it.
        self._transport = self.socket = None
        self._framing.let_go()
        bare(self.closed.result())

    def _message(self, message: Message) -> None:
        if message.status == 0:
            self._requested(message)
            return
        if message.status < 200:
            return
        cseq = message.cseq
        if cseq in self._pending:
            self._counts = True
        elif self._pending and (cseq is None or not self._counts):
            # Requests go one at a time, so an answer without a number, or of a camera that has never got one right, can
            # only be to the oldest.
            cseq = min(self._pending)
        waiting = self._pending.pop(cseq, None) if cseq is not None else None
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _requested(self, message: Message) -> None:
        status, reason = _ANSWERS.get(message.method, (501, "Not Implemented"))
        if message.method in ("REDIRECT", "TEARDOWN"):
            status, reason = 200, "OK"
        headers = [("CSeq", str(message.cseq or 0))]
        if message.method == "OPTIONS":
            headers.append(("Public", ", ".join([*_ANSWERS, "REDIRECT"])))
        self._write(encode_response(status, reason, headers))
        if message.method == "REDIRECT":
            # The configured address is what a person approved: it is asked again, and may redirect in its answer.
            raise ClosedError("the camera sent this client elsewhere (REDIRECT)")
        if message.method == "TEARDOWN":
            raise ClosedError("the camera ended the session (TEARDOWN)")

    def fail(self, error: Exception) -> None:
        """Ends the connection; only the first reason counts."""
        if self.closed.done():
            return
        self._is_closed = True
        rounds, self._rounds = self._rounds, None
        if rounds is not None:
            rounds.discard(self)
        if (lane := self._framing.lane) is not None:
            lane.read_no_more()
        self.closed.set_result(error)
        if self._login is not None:
            self._login.close()
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(error)
                # Its waiter may have been cancelled; then nobody asks.
                waiting.exception()
        self._pending.clear()

    # To the camera
    # -----------------------------------------------------------------------------------------------------

    def send_packet(self, channel: int, data: bytes) -> None:
        """Sends an interleaved packet."""
        self._write(b"$" + bytes((channel,)) + len(data).to_bytes(2, "big") + data)

    def hold(self, held: bool) -> None:
        """Reads no more until it is called again: whoever takes the packets does not keep up."""
        if self._transport is None or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def take_session(self, identity: str) -> None:
        """The session's identifier, which goes with every request from now on; nothing, if it is empty.

        Raises:
            ProtocolError: it can't be sent back.
        """
        if identity:
            if not _SESSION_ID.fullmatch(identity):
                raise ProtocolError("the camera's session identifier can't be sent back")
            self.session = identity

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self.fail(ClosedError("the camera no longer reads"))
            return
        if self._tap is not None:
            self._tap.sent(data)
        self._transport.write(data)

    async def request(
        self, method: str, url: str, timeout_s: float, headers: Sequence[tuple[str, str]] = ()
    ) -> Message:
        """The answer to a request with status 2xx or 3xx, after logging in if asked.

        Raises:
            StatusError: the camera refuses.
            LoginError: it asks for a login that it does not get.
            NoAnswerError: nothing came in time.
            NativeError: the connection ended, or an answer makes no sense.
        """
        login = self._login
        if login is not None:
            login.begin_request()
        answer = await self._ask(method, url, timeout_s, headers)
        for _ in range(_MOST_TRIES - 1):
            if login is None or not await login.repeats(method, answer):
                break
            answer = await self._ask(method, url, timeout_s, headers)
        if login is not None and login.refusal is not None:
            raise login.refusal
        if answer.status >= 400:
            raise StatusError(method, answer.status, answer.reason)
        return answer

    async def loose_body(self, timeout_s: float) -> bytes:
        """A description whose length the camera did not say: what came until nothing more of it did for ``_LOOSE_S``;
        nothing if none came in time."""
        size, since_s = 0, 0.0
        for _ in range(round(timeout_s / _LOOSE_LOOK_S)):
            body = self._framing.loose or b""
            since_s = since_s + _LOOSE_LOOK_S if len(body) == size else 0.0
            size = len(body)
            if size and since_s >= _LOOSE_S:
                return bytes(body)
            await asyncio.sleep(_LOOSE_LOOK_S)
        return b""

    async def _ask(self, method: str, url: str, timeout_s: float, headers: Sequence[tuple[str, str]]) -> Message:
        if self.closed.done():
            raise self.closed.result()
        number, waiting = self._send(method, url, headers)
        deadline = Deadline(timeout_s, partial(_end_waiting, waiting))
        try:
            answer = await waiting
        finally:
            deadline.cancel()
            self._pending.pop(number, None)
        if answer is _SILENCE:
            raise NoAnswerError(f"no answer to {method} in {timeout_s:g} s")
        return answer

    def _send(self, method: str, url: str, headers: Sequence[tuple[str, str]]) -> tuple[int, asyncio.Future[Message]]:
        self._cseq += 1
        lines = [("CSeq", str(self._cseq)), ("User-Agent", self.agent)]
        if self.session:
            lines.append(("Session", self.session))
        if self._login is not None and (login := self._login.header(method, url)) is not None:
            lines.append(("Authorization", login))
        waiting: asyncio.Future[Message] = self._loop.create_future()
        self._pending[self._cseq] = waiting
        self._write(encode_request(method, url, [*lines, *headers]))
        return self._cseq, waiting

    def close(self, last_request: tuple[str, str] | None = None, linger_s: float = 1.0) -> None:
        """Ends the connection without waiting; ``last_request`` (method, URL) still goes out if the camera reads it
        within ``linger_s``."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self.fail(ClosedError("closed here"))
            return
        if last_request is not None:
            self._send(*last_request, ())
        self.fail(ClosedError("closed here"))
        transport.close()
        # close() would wait without end for a camera that does not read.
        self._loop.call_later(linger_s, transport.abort)


def _end_waiting(waiting: asyncio.Future[Message]) -> None:
    if not waiting.done():
        waiting.set_result(_SILENCE)


async def connect(
    host: str, port: int, timeout_s: float, login: Login | None, tls: Tls | None = None, *, at: str = ""
) -> Connection:
    """Connects to the first address of a host that accepts, or to that which is given (``at``); with ``tls``, to one
    whose certificate is the right one.

    Raises:
        socket.gaierror: the name has no address.
        OSError: nothing accepts there.
        CertificateError: its certificate is refused.
        NoAnswerError: not in time.
    """
    loop = asyncio.get_running_loop()
    try:
        async with within(timeout_s):
            sock = await dial(at or host, port)
            context = None if tls is None else tls.context
            name = None if tls is None else host
            try:
                transport, connection = await loop.create_connection(
                    lambda: Connection(login), sock=sock, ssl=context, server_hostname=name
                )
            except BaseException:
                sock.close()
                raise
            if tls is not None:
                try:
                    await tls.judge(transport, host, port)
                except BaseException:
                    connection.close()
                    raise
            # The transport's own makes a socket anew for each question.
            connection.socket = sock
            return connection
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(f"the camera's certificate can't be verified: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise CertificateError(f"no encrypted connection: {error.reason or 'TLS failed'}") from None
    except TimeoutError:
        raise NoAnswerError(f"no connection in {timeout_s:g} s") from None
