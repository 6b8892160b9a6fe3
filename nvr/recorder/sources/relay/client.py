"""FFmpeg's connection to a relay: its requests, and the packets that it gets."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast

from nvr.recorder.sources.rtp.errors import ProtocolError, StatusError
from nvr.recorder.sources.rtsp.message import Message, encode_response, parse_head

__all__ = ["Client"]

_LONGEST_HEAD: Final = 1 << 14
# What FFmpeg may leave unread before the camera has to wait, and when it may go on.
_HIGH_BYTES: Final = 4 << 20
_CLOSE_S: Final = 2.0


class RelayRequest(Protocol):
    """Who answers: the relay."""

    def camera_url(self, url: str) -> str | None:
        """The camera's URL for one of the relay's; None for what is not the relay's own."""

    def take(self, client: Client) -> bool:
        """Whether this client is the one."""

    async def answer(self, request: Message) -> Message:
        """The answer to a request, whose URL is the camera's."""

    def packet(self, channel: int, data: bytes) -> None:
        """A packet of FFmpeg's."""

    def hold(self, held: bool) -> None:
        """FFmpeg does not keep up, or does so again."""

    def close(self) -> None:
        """FFmpeg wants no more."""

    def refused(self, error: StatusError) -> None:
        """The camera refused a request."""

    def failed(self, error: Exception) -> None:
        """Something went wrong for good."""


class Client(asyncio.Protocol):
    """FFmpeg's connection to the relay."""

    def __init__(self, relay: RelayRequest) -> None:
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
