"""StubCamera: answers RTSP requests as a function says, byte for byte, and keeps what it was sent. For what no
well-behaved server can be made to do."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

SDP = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:t0\r\n"


@dataclass(frozen=True)
class Asked:
    """A request: its text, and of which connection (counted from 0) it was."""

    method: str
    url: str
    text: str
    connection: int

    @property
    def authorization(self) -> str:
        match = re.search(r"(?im)^authorization:\s*(.*?)\r?$", self.text)
        return match[1] if match else ""

    @property
    def cseq(self) -> str:
        match = re.search(r"(?im)^cseq:\s*(\d+)", self.text)
        return match[1] if match else "0"

    def answer(self, status: str, *headers: str, body: bytes = b"") -> bytes:
        """An answer to this request. ``status``: number and reason."""
        length = [f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([f"RTSP/1.0 {status}", f"CSeq: {self.cseq}", *headers, *length, "", ""]).encode() + body

    def usual(self, sdp: bytes = SDP) -> bytes:
        """What a well-behaved camera without a login answers; no media follows."""
        if self.method == "DESCRIBE":
            return self.answer("200 OK", "Content-Type: application/sdp", body=sdp)
        if self.method == "SETUP":
            transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
            return self.answer("200 OK", "Session: 12;timeout=60", transport)
        return self.answer("200 OK")


Answer = Callable[[Asked], bytes]


@dataclass
class StubCamera:
    """Listens at ``url`` once started. An answer of no bytes is none; None closes the connection."""

    reply: Callable[[Asked], bytes | None]
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"rtsp{'s' if self.tls else ''}://{self.host}:{self.port}/live"

    @property
    def logins(self) -> list[str]:
        """Every ``Authorization`` that came."""
        return [asked.authorization for asked in self.asked if asked.authorization]

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.url

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                # Receiver reports may stand before a request.
                found = re.search(r"([A-Z_]+) (\S+) RTSP/1\.0\r\n", text)
                if found is None:
                    continue
                asked = Asked(found[1], found[2], text[found.start() :], number)
                self.asked.append(asked)
                answer = self.reply(asked)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()
