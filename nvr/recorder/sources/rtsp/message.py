"""RTSP messages as text: responses and requests of the camera, requests of ours (RFC 2326). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nvr.recorder.sources.rtp.errors import ProtocolError

__all__ = ["Message", "encode_request", "encode_response", "parse_head"]

_STATUS: Final = re.compile(r"RTSP/\d\.\d\s+(\d{3})(?:\s+(.*))?$")
_REQUEST: Final = re.compile(r"([A-Z_]{3,32})\s+(\S+)\s+RTSP/\d\.\d\s*$")
_LONGEST_BODY: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Message:
    """A response (``status`` from 100) or a request (``status`` 0, with ``method`` and ``url``). Header names are in
    lower case; of a repeated one all values are kept, in order."""

    status: int
    reason: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def cseq(self) -> int | None:
        """The number that ties an answer to its request."""
        text = self.get("cseq").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    @property
    def lacks_length(self) -> bool:
        """Whether this answer brings a description and does not say how long it is, as it must (RFC 2326 12.14)."""
        return (
            self.status == 200 and "sdp" in self.get("content-type").lower() and not self.get("content-length").strip()
        )

    @property
    def length(self) -> int:
        """Bytes of the body.

        Raises:
            ProtocolError: it is not a number, or too large.
        """
        text = self.get("content-length").strip()
        if not text:
            return 0
        if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > _LONGEST_BODY:
            raise ProtocolError("the camera announced a body of impossible length")
        return int(text)


def parse_head(data: bytes) -> Message | None:
    """A message without its body from its first line to the empty one; None if it is neither answer nor request."""
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:
            # A folded line goes on with the one before.
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    if match := _STATUS.match(lines[0]):
        return Message(int(match[1]), _printable(match[2] or ""), "", "", tuple(headers))
    if match := _REQUEST.match(lines[0]):
        return Message(0, "", match[1], match[2], tuple(headers))
    return None


def encode_request(method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    return _encode(f"{method} {url} RTSP/1.0", headers, body)


def encode_response(status: int, reason: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """An answer as it goes over the wire."""
    return _encode(f"RTSP/1.0 {status} {reason}", headers, body)


def _encode(first: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def _printable(text: str) -> str:
    """What a camera says, fit for a log line."""
    return "".join(char for char in text if char.isprintable())[:80]
