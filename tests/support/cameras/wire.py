"""A bare RTSP client that shows what is really on the wire, and depacketisers to check packets with.

For tests only: it trusts the server, and anything unexpected is an AssertionError.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; header names in lower case, of repeated headers all values."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """A parsed RTP header and its payload."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class WireClient:
    """One connection; use as a context manager."""

    def __init__(self, url: str, *, timeout_s: float = 30.0) -> None:
        self.url = url
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 554), timeout_s)
        self._file = self.socket.makefile("rb")
        self._cseq = 0
        self.session = ""

    def __enter__(self) -> "WireClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def request(self, method: str, url: str | None = None, **headers: str) -> Answer:
        """Send a request and read its answer; underscores in header names become hyphens."""
        self._cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self._cseq}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.answer()

    def answer(self) -> Answer:
        """The next answer; packets before it are skipped."""
        while (first := self.read(1)) == b"$":
            self.read(struct.unpack("!xH", self.read(3))[0])
        status = (first + self._file.readline()).decode()
        assert status.startswith("RTSP/1.0 "), f"not an answer: {status!r}"
        headers: dict[str, list[str]] = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers.setdefault(name.lower(), []).append(value.strip())
        body = self.read(int(headers.get("content-length", ["0"])[0]))
        return Answer(int(status.split()[1]), headers, body)

    def play(self, tracks: int = 1) -> Answer:
        """DESCRIBE, SETUP and PLAY; the answer to PLAY."""
        description = self.request("DESCRIBE")
        assert description.status == 200
        base = description.header("content-base") or self.url + "/"
        controls = [line[10:] for line in description.body.decode().split("\r\n") if line.startswith("a=control:")]
        for number, control in enumerate([c for c in controls if c != "*"][:tracks]):
            url = control if control.startswith("rtsp:") else base.rstrip("/") + "/" + control
            transport = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
            answer = self.request("SETUP", url, Transport=transport)
            assert answer.status == 200
            self.session = answer.header("session").partition(";")[0]
        return self.request("PLAY", base)

    def read(self, size: int) -> bytes:
        """Exactly that many bytes; EOFError when the server closes before."""
        data = self._file.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def packets(self) -> Iterator[tuple[int, bytes]]:
        """Interleaved packets (channel, bytes), until the server closes."""
        while True:
            try:
                marker, channel, length = struct.unpack("!cBH", self.read(4))
                assert marker == b"$"
                yield channel, self.read(length)
            except EOFError:
                return


def parse_rtp(packet: bytes) -> RtpPacket:
    """A packet without padding, extension and contributing sources."""
    flags, kind, sequence, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
    assert flags == 0x80, f"unexpected RTP flags {flags:#x}"
    return RtpPacket(bool(kind & 0x80), kind & 0x7F, sequence, timestamp, ssrc, packet[12:])


def access_units(packets: Iterable[RtpPacket], codec: str) -> Iterator[tuple[int, list[bytes]]]:
    """(timestamp, NAL units) of every picture that ends with a marker."""
    payloads: list[bytes] = []
    for packet in packets:
        payloads.append(packet.payload)
        if packet.marker:
            yield packet.timestamp, (h264_nals if codec == "h264" else h265_nals)(payloads)
            payloads = []


def h264_nals(payloads: Iterable[bytes]) -> list[bytes]:
    """NAL units of a picture's payloads (RFC 6184: single, STAP-A, FU-A)."""
    nals: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == 24:
            nals += _aggregated(payload[1:])
        elif kind == 28:
            if payload[1] & 0x80:
                nals.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]))
            nals[-1] += payload[2:]
        else:
            nals.append(payload)
    return nals


def h265_nals(payloads: Iterable[bytes]) -> list[bytes]:
    """NAL units of a picture's payloads (RFC 7798: single, AP, FU; without DONL)."""
    nals: list[bytes] = []
    for payload in payloads:
        kind = payload[0] >> 1 & 0x3F
        if kind == 48:
            nals += _aggregated(payload[2:])
        elif kind == 49:
            if payload[2] & 0x80:
                nals.append(bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]]))
            nals[-1] += payload[3:]
        else:
            nals.append(payload)
    return nals


def _aggregated(data: bytes) -> Iterator[bytes]:
    while data:
        size = int.from_bytes(data[:2])
        yield data[2 : 2 + size]
        data = data[2 + size :]
