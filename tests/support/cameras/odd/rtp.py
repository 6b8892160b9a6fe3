"""An RTP packet that a habit may change, and NAL units as fragments."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from nvr.demo.rtsp.rtp import interleaved

__all__ = ["Rtp", "interleaved"]


@dataclass(slots=True)
class Rtp:
    """A packet (RFC 3550 5.1). `sequence` None: the next number of the stream, which is counted when the packet is
    sent. `extra` follows the fixed header: contributing sources, a header extension; its flags are in `flags`, the
    first byte."""

    payload: bytes
    timestamp: int
    marker: bool
    payload_type: int
    ssrc: int
    sequence: int | None = None
    flags: int = 0x80
    extra: bytes = b""

    @classmethod
    def parse(cls, packet: bytes) -> Rtp:
        """A packet of the test server, which has neither extension nor sources."""
        flags, kind, _, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
        return cls(packet[12:], timestamp, bool(kind & 0x80), kind & 0x7F, ssrc, None, flags)

    def encode(self, sequence: int) -> bytes:
        """The packet with this number."""
        kind = (0x80 if self.marker else 0) | self.payload_type
        header = struct.pack("!BBHII", self.flags, kind, sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
        return header + self.extra + self.payload
