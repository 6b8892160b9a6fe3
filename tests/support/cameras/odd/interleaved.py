"""Habits of packets that number their units, and of units that come in another order than they are decoded in (RFC 6184
5.4 to 5.8, packetization-mode 2; RFC 7798 4.4 and 7.1)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from nvr.demo.rtsp.connection import DemoConnection
from tests.support.cameras.odd.camera import H265, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp

_STAP_B, _MTAP16, _MTAP24, _FU_A, _FU_B = 25, 26, 27, 28, 29
_SMALL = 500


class Numbered(Camera):
    """H.264 of packetization-mode 2. ``depth``: how many units may come before one that is decoded before them."""

    depth = 0

    def __init__(self, connection: DemoConnection, path: str) -> None:
        super().__init__(connection, path)
        # Close to where it wraps.
        self._number = 65_500
        self._kept: list[Rtp] = []

    def describe(self, text: str) -> str:
        return text.replace("packetization-mode=1", f"packetization-mode=2;sprop-interleaving-depth={self.depth}")

    def next_number(self) -> int:
        """The decoding order number of the next unit."""
        self._number = self._number + 1 & 0xFFFF
        return self._number

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        small: list[bytes] = []
        for nal in [*nals, b""]:
            if small and (len(nal) > _SMALL or not nal):
                first = self.next_number()
                for _ in small[1:]:
                    self.next_number()
                units = b"".join(struct.pack("!H", len(unit)) + unit for unit in small)
                made.append(bytes((0x60 | _STAP_B,)) + struct.pack("!H", first) + units)
                small = []
            if len(nal) > _SMALL:
                made += self.fragments(nal)
            elif nal:
                small.append(nal)
        return made

    def fragments(self, nal: bytes) -> list[bytes]:
        """FU-B, and then FU-A."""
        head, kind, rest = nal[0] & 0xE0, nal[0] & 0x1F, nal[1:]
        size = min(self.limit, len(rest) // 2)
        parts = [rest[at : at + size] for at in range(0, len(rest), size)]
        made = [bytes((head | _FU_B, 0x80 | kind)) + struct.pack("!H", self.next_number()) + parts[0]]
        last = len(parts) - 1
        return made + [bytes((head | _FU_A, (0x40 if n == last else 0) | kind)) + parts[n] for n in range(1, last + 1)]


@habit(
    "numbered-units",
    "H.264 with packetization-mode 2: STAP-B, FU-B and FU-A, all units in their order",
    seen="RFC 6184 5.7.1 and 5.8; no camera known; live555 reads it",
)
class NumberedUnits(Numbered):
    pass


@habit(
    "swapped-frames",
    "H.264 with packetization-mode 2: of two frames the packets of the second come first",
    seen="RFC 6184 5.5 and 7.2; no camera known",
)
class SwappedFrames(Numbered):
    depth = 12

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 2 == 0:
            self._kept = packets
            return []
        kept, self._kept = self._kept, []
        return [*packets, *kept]


class Multi(Numbered):
    """Two frames in one packet, each with a time of its own, where they are small."""

    kind, offset_bytes = _MTAP16, 2

    def __init__(self, connection: DemoConnection, path: str) -> None:
        super().__init__(connection, path)
        self._units: list[tuple[int, bytes]] = []
        self._kept_nals: list[bytes] = []

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        self._kept_nals = list(nals)
        return [b"\x00"]

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        (one,) = packets
        made: list[Rtp] = []
        for nal in self._kept_nals:
            if len(nal) > _SMALL:
                made += [self.like(one, part) for part in [*self._flush(), *self.fragments(nal)]]
            else:
                self._units.append((one.timestamp, nal))
        for packet in made:
            packet.timestamp = self._first if packet.payload[0] & 0x1F == self.kind else one.timestamp
        if number % 2 or len(self._units) > 6:
            flushed = [self.like(one, part) for part in self._flush()]
            for packet in flushed:
                packet.timestamp = self._first
            made += flushed
        return made

    def _flush(self) -> list[bytes]:
        units, self._units = self._units, []
        if not units:
            return []
        self._first = units[0][0]
        base, text = self._number + 1 & 0xFFFF, b""
        for timestamp, nal in units:
            later = (timestamp - self._first & 0xFFFFFFFF).to_bytes(self.offset_bytes, "big")
            text += struct.pack("!HB", len(nal), self.next_number() - base & 0xFFFF) + later + nal
        return [bytes((0x60 | self.kind,)) + struct.pack("!H", base) + text]


@habit(
    "two-times-in-a-packet",
    "H.264 with packetization-mode 2: two frames in a packet (MTAP16), large ones in fragments (FU-B)",
    seen="RFC 6184 5.7.2; no camera known; live555 reads it",
)
class TwoTimesInAPacket(Multi):
    pass


@habit(
    "two-times-in-a-packet-24",
    "the same with differences of 24 bits (MTAP24)",
    seen="RFC 6184 5.7.2; no camera known; live555 reads it",
)
class TwoTimesInAPacket24(Multi):
    kind, offset_bytes = _MTAP24, 3


@habit(
    "swapped-frames-h265",
    "H.265 with sprop-max-don-diff and sprop-depack-buf-nalus: of two frames the packets of the second come first",
    seen="RFC 7798 6; no camera known",
)
class SwappedFramesH265(Camera):
    clip_spec = H265

    def __init__(self, connection: DemoConnection, path: str) -> None:
        super().__init__(connection, path)
        self._number = 65_500
        self._kept: list[Rtp] = []

    def describe(self, text: str) -> str:
        return re.sub(r"(a=fmtp:96 [^\r]*)", r"\1;sprop-max-don-diff=12;sprop-depack-buf-nalus=12", text)

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            self._number = self._number + 1 & 0xFFFF
            don = struct.pack("!H", self._number)
            for payload in super().payloads(number, [nal]):
                fragment = payload[0] >> 1 & 0x3F == 49
                at = 3 if fragment else 2
                has = not fragment or payload[2] & 0x80
                made.append(payload[:at] + don + payload[at:] if has else payload)
        return made

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 2 == 0:
            self._kept = packets
            return []
        kept, self._kept = self._kept, []
        return [*packets, *kept]
