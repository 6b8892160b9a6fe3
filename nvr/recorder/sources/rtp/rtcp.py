"""RTCP: the camera's sender reports, which tie its clock to the stream's, and the receiver reports it wants to see (RFC
3550 6.4). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from nvr.recorder.sources.rtp.rtp import Sequence

__all__ = ["Bye", "RtcpReceiver", "SenderReport", "parse"]

_NTP_UNIX_OFFSET_S: Final = 2_208_988_800
_NTP_ERA_S: Final = 1 << 32
_SENDER: Final = struct.Struct("!IIIIII")
_SENDER_REPORT: Final = 200
_BYE: Final = 203


class SenderReport(NamedTuple):
    """The camera's clock (``ntp_us``: microseconds, UTC, Unix epoch, as the camera has it) at an RTP timestamp.
    ``middle`` are the middle 32 bits of the NTP time, which a receiver report returns."""

    ssrc: int
    ntp_us: int
    timestamp: int
    middle: int


class Bye(NamedTuple):
    """The camera says that a stream ends."""

    ssrc: int


def parse(data: memoryview) -> Iterator[SenderReport | Bye]:
    """The reports of a compound packet; whatever is malformed ends it."""
    at = 0
    while at + 4 <= len(data):
        flags, kind = data[at], data[at + 1]
        size = 4 * ((data[at + 2] << 8 | data[at + 3]) + 1)
        if flags >> 6 != 2 or at + size > len(data):
            return
        if kind == _SENDER_REPORT and size >= 28:
            ssrc, seconds, fraction, timestamp, _, _ = _SENDER.unpack_from(data, at + 4)
            yield SenderReport(ssrc, _unix_us(seconds, fraction), timestamp, (seconds & 0xFFFF) << 16 | fraction >> 16)
        elif kind == _BYE and flags & 0x1F and size >= 8:
            yield Bye(int.from_bytes(data[at + 4 : at + 8], "big"))
        at += size


def _unix_us(seconds: int, fraction: int) -> int:
    # NTP's seconds wrap in 2036: a small number is of the era that begins then (RFC 4330 3).
    era = 0 if seconds & 0x80000000 else _NTP_ERA_S
    return (seconds + era - _NTP_UNIX_OFFSET_S) * 1_000_000 + (fraction * 1_000_000 >> 32)


@dataclass(slots=True)
class RtcpReceiver:
    """What receiver reports about one stream are made from. Times are monotonic microseconds."""

    ssrc: int
    sequence: Sequence
    _middle: int = 0
    _report_at_us: int = 0
    _expected: int = 0
    _received: int = 0
    _source: int | None = field(default=None)

    def heard(self, report: SenderReport, now_us: int) -> None:
        """A sender report came."""
        self._middle, self._report_at_us = report.middle, now_us

    def report(self, now_us: int) -> bytes:
        """A compound packet: receiver report and CNAME. No jitter: over TCP it is that of the network's buffers."""
        sequence = self.sequence
        blocks = b""
        if sequence.ssrc is not None:
            if self._source != sequence.ssrc:
                self._source, self._expected, self._received = sequence.ssrc, 0, 0
            expected = sequence.expected - self._expected
            lost = expected - (sequence.received - self._received)
            self._expected, self._received = sequence.expected, sequence.received
            share = max(0, min(255, (lost << 8) // expected)) if expected > 0 else 0
            total = max(-(1 << 23), min((1 << 23) - 1, sequence.expected - sequence.received)) & 0xFFFFFF
            delay = min(0xFFFFFFFF, (now_us - self._report_at_us) * 65536 // 1_000_000) if self._middle else 0
            blocks = struct.pack(
                "!IIIIII",
                sequence.ssrc,
                share << 24 | total,
                sequence.highest & 0xFFFFFFFF,
                0,
                self._middle,
                max(0, delay),
            )
        header = struct.pack("!BBHI", 0x80 | bool(blocks), 201, 1 + len(blocks) // 4, self.ssrc)
        item = b"\x01\x03nvr"
        chunk = struct.pack("!I", self.ssrc) + item + bytes(4 - len(item) % 4)
        return header + blocks + struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk
