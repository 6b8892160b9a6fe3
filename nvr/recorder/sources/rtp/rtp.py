"""RTP packets, the count of a stream's, and unwrapped time (RFC 3550). Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["HEADER", "RtpPacket", "Sequence", "Unwrapper", "parse"]

HEADER: Final = struct.Struct("!BBHII")
"""Flags, marker and payload type, number, timestamp, SSRC."""
_EXTENSION: Final = struct.Struct("!2xH")


class RtpPacket:
    """One packet. ``payload`` is a view into the reader's buffer."""

    def __init__(
        self, marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: memoryview
    ) -> None:
        self.marker = marker
        self.payload_type = payload_type
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload


def parse(data: memoryview) -> RtpPacket | None:
    """The packet, its payload, which may be empty, without CSRC list, header extension and padding; None if it is
    none."""
    length = len(data)
    if length < 12:
        return None
    flags, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if flags == 0x80:
        return RtpPacket(kind > 127, kind & 0x7F, sequence, timestamp, ssrc, data[12:])
    if flags >> 6 != 2:
        return None
    begin, end = 12 + 4 * (flags & 0x0F), length
    if flags & 0x10 and begin + 4 <= length:
        begin += 4 + 4 * _EXTENSION.unpack_from(data, begin)[0]
        if begin > length:
            return None
    if flags & 0x20 and 0 < data[length - 1] <= length - begin:
        # The last byte says how much padding there is, itself included; one that can't be right says nothing.
        end -= data[length - 1]
    # Without room for what the header announces there is none for a payload either.
    begin = min(begin, end)
    return RtpPacket(kind > 127, kind & 0x7F, sequence, timestamp, ssrc, data[begin:end])


@dataclass(slots=True)
class Sequence:
    """The order of one stream's packets, and the counts that receiver reports need. ``highest`` goes on past 16
    bits."""

    ssrc: int | None = None
    highest: int = -1
    first: int = 0
    received: int = 0
    lost: int = 0
    duplicates: int = 0
    restarts: int = 0

    def begin(self, number: int, ssrc: int) -> None:
        """The count begins, or begins anew."""
        self.ssrc = ssrc
        self.highest = self.first = number
        self.received = 1

    def step(self, step: int, lost: int) -> None:
        """The next packet came, its number ``step`` further on, so many being ``lost`` before it."""
        self.highest += step
        self.received += step - lost
        self.lost += lost

    def went_on(self, count: int) -> None:
        """So many packets came with the numbers that follow."""
        self.highest += count
        self.received += count

    @property
    def expected(self) -> int:
        """Packets that the present sender must have sent."""
        return self.highest - self.first + 1 if self.ssrc is not None else 0


class Unwrapper:
    """RTP timestamps of 32 bits as ticks that go on: each is taken to be the nearest to the one before (RFC 3550
    5.1)."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        """The timestamp on the line that the first one began."""
        last = self._last
        if last is None:
            self._last = timestamp
            return timestamp
        step = (timestamp - last) & 0xFFFFFFFF
        self._last = last + (step if step < 0x80000000 else step - 0x100000000)
        return self._last

    @property
    def latest(self) -> int:
        """The last one on the line."""
        return self._last or 0

    def near(self, timestamp: int) -> int:
        """The same without moving on: for timestamps in reports."""
        if self._last is None:
            return timestamp
        step = (timestamp - self._last) & 0xFFFFFFFF
        return self._last + (step if step < 0x80000000 else step - 0x100000000)
