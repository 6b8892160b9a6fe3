"""A relay between FFmpeg and one camera, for the ``av`` source: FFmpeg asks the relay on loopback, and the relay asks the camera.

The relay speaks to the camera as the ``native`` source does (``native.connection``): same host of several addresses, same TLS, same ledger of logins, same redirects.
So FFmpeg has neither login nor address of a camera, and what a camera says can send it nowhere. All relays of a process share a thread with an event loop.

Invariants: what FFmpeg gets is made anew from what was understood, nothing else is passed on; only a client that knows the relay's secret path is answered.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import re
import secrets
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import uvloop

from nvr.config import Camera
from nvr.recorder.native.causes import cause_of
from nvr.recorder.native.client import Session, reach
from nvr.recorder.native.connection import Connection
from nvr.recorder.native.errors import NativeError, ProtocolError, RedirectError, StatusError
from nvr.recorder.native.keep_alive import DEFAULT_TIMEOUT_S, session_timeout_s
from nvr.recorder.native.message import Message, encode_response, parse_head
from nvr.recorder.native.redirects import redirected
from nvr.recorder.native.urls import base_url, control_url
from nvr.recorder.source import Ended
from storage.causes import Cause

__all__ = ["Relay", "with_controls"]

log = logging.getLogger(__name__)

_AGENT: Final = "nvr (FFmpeg)"
_MOST_REDIRECTS: Final = 3
_LONGEST_HEAD: Final = 1 << 14
# What FFmpeg may leave unread before the camera has to wait, and when it may go on.
_HIGH_BYTES: Final = 4 << 20
_CLOSE_S: Final = 2.0
_OPEN_S: Final = 120.0
# What of a request is passed on; the rest the connection to the camera knows itself.
_PASSED: Final = ("accept", "transport", "range", "require", "scale", "speed", "blocksize", "bandwidth")
_ANSWERED: Final = ("transport", "range", "rtp-info", "scale", "speed")
_ALIVE: Final = frozenset({"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"})
_CHANNELS: Final = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)
_CONTROL: Final = re.compile(r"a=control:\s*(.*?)\s*", re.IGNORECASE)

T = TypeVar("T")


class _Thread:
    """The event loop of all relays."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = uvloop.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="relays", daemon=True).start()
            return self._loop

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """The result of work done there. Not from an event loop."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop())
        try:
            return future.result(timeout_s)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise


_THREAD: Final = _Thread()


def with_controls(description: bytes, base: str, place: Callable[[str], str]) -> bytes:
    """A session description in which every control is an address of the relay. ``place`` gives the relay's address for a camera's URL.

    Raises:
        ProtocolError: a control can't be part of a request.
    """
    lines = description.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    made: list[str] = []
    whole: str | None = None
    for line in lines:
        in_media = whole is not None
        if line.startswith("m=") and whole is None:
            whole = _of_session(made, base)
            made = [kept for kept in made if not _CONTROL.fullmatch(kept)]
            made.append(f"a=control:{place(whole)}")
        elif in_media and (match := _CONTROL.fullmatch(line)):
            made.append(f"a=control:{place(control_url(base, match[1]))}")
            continue
        if line:
            made.append(line)
    return "\r\n".join([*made, ""]).encode()


def _of_session(lines: list[str], base: str) -> str:
    for line in lines:
        if match := _CONTROL.fullmatch(line):
            return control_url(base, match[1])
    return base


class Relay:
    """The relay of one connection. ``ended``: why it is over, once it is, if the camera or the way to it is the reason."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._timeout_s = camera.stall_timeout_us / 1e6
        self._secret = secrets.token_urlsafe(16)
        self._urls: list[str] = []
        self._base = ""
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._server: asyncio.Server | None = None
        self._client: _Client | None = None
        self._alive: asyncio.Task[None] | None = None
        self._public: frozenset[str] = frozenset()
        self._session_timeout_s = DEFAULT_TIMEOUT_S
        self._described = Message(0, "", "", "", ())
        self._plays = False
        self.ended: Ended | None = None
        # Why a request was refused: of use only if FFmpeg has no other one to try.
        self.refusal: Ended | None = None

    # From FFmpeg's thread --------------------------------------------------------------------------------------------------

    def open(self) -> str:
        """Asks the camera what it has; returns where FFmpeg can have it.

        Raises:
            Ended: the camera can't be reached, or refuses.
        """
        try:
            return _THREAD.call(self._open(), _OPEN_S)
        except (OSError, NativeError) as error:
            raise cause_of(error, plays=False) from None

    def close(self) -> None:
        """Ends the connection and the session; does not wait for the camera."""
        _THREAD.loop().call_soon_threadsafe(self._close)

    # On the relays' loop ------------------------------------------------------------------------------------------------------

    async def _open(self) -> str:
        try:
            url = await self._describe()
            self._server = await asyncio.get_running_loop().create_server(lambda: _Client(self), "127.0.0.1", 0)
        except BaseException:
            self._close()
            raise
        port = self._server.sockets[0].getsockname()[1]
        self._base = f"rtsp://127.0.0.1:{port}/{self._secret}"
        return self._place(url)

    async def _describe(self) -> str:
        """Connects, following redirects; the URL that was described at last."""
        url = self._camera.url
        for _ in range(_MOST_REDIRECTS + 1):
            connection = self._connection = await reach(url, self._camera, self._timeout_s)
            connection.agent = _AGENT
            try:
                answer = await connection.request("OPTIONS", url, self._timeout_s)
                words = [word.strip().upper() for line in answer.all("public") for word in line.split(",")]
                self._public = frozenset(words)
            except StatusError as error:
                if error.status in (401, 403):
                    raise
            accept = ("Accept", "application/sdp")
            answer = await connection.request("DESCRIBE", url, self._timeout_s, [accept])
            if answer.status < 300:
                self._described = answer
                connection.closed.add_done_callback(self._lost)
                return url
            url = redirected(self._camera, url, answer.get("location"), connection.address)
            connection.close()
        raise RedirectError("the camera redirects without end")

    def _place(self, url: str) -> str:
        """The relay's address for a camera's URL."""
        if url not in self._urls:
            self._urls.append(url)
        return f"{self._base}/{self._urls.index(url)}"

    def camera_url(self, url: str) -> str | None:
        """The camera's URL for one of the relay's; None for what is not the relay's own."""
        try:
            secret, _, number = urlsplit(url).path.strip("/").partition("/")
        except ValueError:
            return None
        if not secrets.compare_digest(secret.encode(), self._secret.encode()):
            return None
        number = number.partition("/")[0]
        return self._urls[int(number)] if number.isdigit() and int(number) < len(self._urls) else self._urls[0]

    def take(self, client: _Client) -> bool:
        """Whether a client that knows the secret is the one; from then on no other is."""
        if self._client is None:
            self._client = client
            if self._server is not None:
                self._server.close()
        return self._client is client

    async def answer(self, request: Message) -> Message:
        """The answer to a request of FFmpeg's, whose URL is the camera's."""
        connection = self._connection
        assert connection is not None
        method, url = request.method, request.url
        if method in _ALIVE:
            # Whether the camera hears of us is the relay's own concern.
            return Message(
                200, "OK", "", "", (("public", ", ".join(sorted({"OPTIONS", "GET_PARAMETER", *self._public}))),)
            )
        if method == "DESCRIBE":
            base = base_url(url, dict(reversed(self._described.headers)))
            body = with_controls(self._described.body, base, self._place)
            return Message(200, "OK", "", "", (("content-type", "application/sdp"),), body)
        headers = [(name.title(), value) for name in _PASSED for value in request.all(name)]
        answer = await connection.request(method, url, self._timeout_s, headers)
        if answer.status >= 300:
            raise RedirectError("the camera redirects in the middle of a session")
        kept = [(name, answer.get(name)) for name in _ANSWERED if answer.get(name)]
        if method == "SETUP":
            kept = self._set_up(answer, kept, request.get("transport"))
        elif method == "PLAY":
            self._play(url)
        if connection.session:
            kept.append(("session", connection.session))
        return Message(200, "OK", "", "", tuple(kept), b"")

    def _set_up(self, answer: Message, kept: list[tuple[str, str]], asked: str) -> list[tuple[str, str]]:
        connection = self._connection
        assert connection is not None
        identity, _, parameters = answer.get("session").partition(";")
        connection.take_session(identity.strip())
        self._session_timeout_s = min(self._session_timeout_s, session_timeout_s(parameters))
        transport = answer.get("transport") or asked
        if "/tcp" in transport.lower() and not _CHANNELS.search(transport) and (own := _CHANNELS.search(asked)):
            # Channels that the answer does not name are those that were asked for.
            transport += f";{own[0]}"
        if match := _CHANNELS.search(transport):
            first = int(match[1])
            for channel in {first, int(match[2] or first + 1)}:
                if channel > 255:
                    raise ProtocolError("the camera assigned impossible channels")
                self._forward(channel)
        elif "source=" not in transport.lower() and "multicast" not in transport.lower():
            # FFmpeg would take the relay's address for that of the sender.
            transport += f";source={connection.address}"
        return [("transport", transport), *((name, value) for name, value in kept if name != "transport")]

    def _forward(self, channel: int) -> None:
        connection, client = self._connection, self._client
        assert connection is not None and client is not None
        head = b"$" + bytes((channel,))

        def packet(view: memoryview) -> None:
            client.packets += (head, len(view).to_bytes(2, "big"), bytes(view))

        connection.handle(channel, packet, None, client.flush)

    def _play(self, url: str) -> None:
        assert self._connection is not None
        self._plays = True
        if self._session is None:
            self._session = Session(self._connection, url, [], self._session_timeout_s, self._public)
            self._alive = asyncio.create_task(self._keep_alive(self._session))

    async def _keep_alive(self, session: Session) -> None:
        while True:
            await asyncio.sleep(session.keep_alive_s)
            await session.keep_alive()

    def packet(self, channel: int, data: bytes) -> None:
        """A packet of FFmpeg's, such as a receiver report."""
        if self._connection is not None:
            self._connection.send_packet(channel, data)

    def hold(self, held: bool) -> None:
        """FFmpeg does not keep up: the camera has to wait; or no longer."""
        if self._connection is not None:
            self._connection.hold(held)

    def refused(self, error: StatusError) -> None:
        """The camera refused a request; FFmpeg may have another one."""
        self.refusal = cause_of(error, plays=self._plays)

    def failed(self, error: Exception) -> None:
        """Something went wrong for good; the first reason counts."""
        if self.ended is None:
            if isinstance(error, OSError | NativeError):
                self.ended = cause_of(error, plays=self._plays)
            else:
                log.error("camera %s: its relay failed", self._camera.id, exc_info=error)
                self.ended = Ended(Cause.RECORDER_CRASHED, {"error": type(error).__name__})
        if self._client is not None:
            self._client.finish()

    def _lost(self, closed: asyncio.Future[Exception]) -> None:
        if self._client is not None:
            self._client.flush()
        self.failed(closed.result())

    def _close(self) -> None:
        if self._alive is not None:
            self._alive.cancel()
        if self._server is not None:
            self._server.close()
        connection = self._connection
        if connection is not None and not connection.closed.done():
            # FFmpeg's own end is no reason.
            connection.closed.remove_done_callback(self._lost)
            url = self._session.url if self._session is not None else self._camera.url
            connection.close(("TEARDOWN", url) if connection.session else None)
        if self._client is not None:
            self._client.finish()


class _Client(asyncio.Protocol):
    """FFmpeg's connection to the relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._requests: asyncio.Queue[Message] = asyncio.Queue()
        self._work: asyncio.Task[None] | None = None
        self._held = False
        self.packets: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_BYTES)
        self._work = asyncio.create_task(self._answer_all())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._work is not None:
            self._work.cancel()
        self._transport = None

    def pause_writing(self) -> None:
        self._relay.hold(True)

    def resume_writing(self) -> None:
        self._relay.hold(False)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while self._rest:
            if self._rest[0] == 0x24:
                if len(self._rest) < 4 or len(self._rest) < (stop := 4 + int.from_bytes(self._rest[2:4], "big")):
                    return
                self._relay.packet(self._rest[1], self._rest[4:stop])
                self._rest = self._rest[stop:]
                continue
            end = self._rest.find(b"\r\n\r\n")
            if end < 0:
                if len(self._rest) > _LONGEST_HEAD:
                    self.finish()
                return
            message = parse_head(self._rest[: end + 4])
            try:
                stop = end + 4 + (message.length if message is not None else 0)
            except ProtocolError:
                message = None
            if message is None:
                self.finish()
                return
            if len(self._rest) < stop:
                return
            self._rest = self._rest[stop:]
            if message.status == 0:
                self._requests.put_nowait(message)

    async def _answer_all(self) -> None:
        while True:
            request = await self._requests.get()
            url = self._relay.camera_url(request.url)
            if url is None or not self._relay.take(self):
                self._write(encode_response(404, "Not Found", [("CSeq", str(request.cseq or 0))]))
                self.finish()
                return
            if request.method == "TEARDOWN":
                self._relay.close()
                return
            # FFmpeg drops packets that come before the answer to PLAY.
            self._held = request.method == "PLAY"
            try:
                answer = await self._relay.answer(Message(0, "", request.method, url, request.headers, request.body))
            except StatusError as error:
                answer = Message(error.status, "Refused", "", "", ())
                self._relay.refused(error)
            except Exception as error:
                self._relay.failed(error)
                return
            headers = [("CSeq", str(request.cseq or 0)), *((name.title(), value) for name, value in answer.headers)]
            self._write(encode_response(answer.status, answer.reason, headers, answer.body))
            self._held = False
            self.flush()

    def flush(self) -> None:
        """Sends on what has come."""
        if self.packets and not self._held:
            data, self.packets = b"".join(self.packets), []
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self) -> None:
        """Ends the connection after what waits to be read, within a time."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            asyncio.get_running_loop().call_later(_CLOSE_S, self._transport.abort)
