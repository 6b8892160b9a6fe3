"""RTSP messages on the wire (RFC 2326 4–7) and the interleaved packets between them."""

import asyncio
from dataclasses import dataclass, field

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}

_BODY_LIMIT_BYTES = 65536


class MessageError(Exception):
    """What the client sent is not RTSP."""


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """A request; header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """An RTP or RTCP packet that a client sent on the connection."""

    channel: int
    packet: bytes


@dataclass(slots=True)
class Response:
    """An answer; `headers` in the order they are sent (a name may repeat), without CSeq and Content-Length."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def encode(self, cseq: str) -> bytes:
        lines = [f"RTSP/1.0 {self.status} {REASONS.get(self.status, 'Error')}", f"CSeq: {cseq}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def parse_head(head: bytes) -> DemoRequest:
    """A request without its body, from everything up to the empty line. Raises MessageError."""
    lines = head.decode("utf-8", "replace").split("\r\n")
    try:
        method, url, version = lines[0].split(" ")
    except ValueError:
        raise MessageError(f"not a request line: {lines[0][:80]!r}") from None
    if not version.startswith("RTSP/1."):
        raise MessageError(f"not RTSP 1: {version[:20]!r}")
    headers: dict[str, str] = {}
    for line in filter(None, lines[1:]):
        name, colon, value = line.partition(":")
        if not colon:
            raise MessageError(f"not a header: {line[:80]!r}")
        headers[name.strip().lower()] = value.strip()
    return DemoRequest(method, url, headers)


async def read_message(reader: asyncio.StreamReader) -> DemoRequest | Interleaved | None:
    """The next message or packet; None when the client has closed. Raises MessageError."""
    try:
        first = await reader.readexactly(1)
        while first in b"\r\n":
            first = await reader.readexactly(1)
        if first == b"$":
            channel, high, low = await reader.readexactly(3)
            return Interleaved(channel, await reader.readexactly(high << 8 | low))
        head = first + (await reader.readuntil(b"\r\n\r\n"))[:-4]
        if head.startswith(b"RTSP/"):
            # The answer to a request that a test camera sent.
            return await read_message(reader)
        request = parse_head(head)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _BODY_LIMIT_BYTES:
            raise MessageError(f"unusable Content-Length: {length[:20]!r}")
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise MessageError("a request without end") from None
    return DemoRequest(request.method, request.url, request.headers, body)
