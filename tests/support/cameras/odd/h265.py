"""Habits of H.265 streams: those of H.264 cameras, seen again in the newer codec's packets."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.support.cameras.frames import is_vcl
from tests.support.cameras.odd.camera import H265, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp

_CODE = b"\0\0\0\1"
_FU = 49


def kind(nal: bytes) -> int:
    """The type of an H.265 unit."""
    return nal[0] >> 1 & 0x3F


class InH265(Camera):
    """A camera that sends H.265."""

    clip_spec = H265


@habit(
    "start-codes-in-fragments-h265",
    "H.265: the parameter sets and the keyframe are one fragmented unit with start codes between",
    seen="V380's firmware, with H.265 (Retina #68, #100)",
)
class StartCodesInFragmentsH265(InH265):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [_CODE.join(nals)] if any(kind(nal) in (32, 33, 34) for nal in nals) else list(nals)


@habit(
    "start-code-payloads-h265",
    "H.265: a frame is one payload: a byte stream with start codes",
    seen="cameras behind gortsplib #608, with H.265",
)
class StartCodePayloadsH265(InH265):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [b"".join(_CODE + nal for nal in nals)]


@habit(
    "short-start-codes",
    "each unit begins with a start code of three bytes",
    seen="encoders whose output is cut at four bytes (Retina #68's dump has both)",
)
class ShortStartCodes(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return super().payloads(number, [b"\0\0\1" + nal if len(nal) < 1_100 else nal for nal in nals])


@habit(
    "unspecified-units-h265",
    "H.265: in front of each frame a unit of type 41, 55 or 63, reserved or unspecified",
    seen="vendors' private data (ITU-T H.265 table 7-1: types 48 to 63 are unspecified)",
    right="what holds no slice is left out without harm to the frame",
)
class UnspecifiedUnitsH265(InH265):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [bytes(((41, 55, 63)[number % 3] << 1, 1)) + b"\x7f" * 30, *nals]


@habit(
    "no-end-bit-h265",
    "H.265: the last fragment of a unit has a marker but no end bit",
    seen="as no-end-bit",
)
class NoEndBitH265(InH265):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            if kind(packet.payload) == _FU:
                packet.payload = packet.payload[:2] + bytes((packet.payload[2] & ~0x40,)) + packet.payload[3:]
        return packets


@habit(
    "marker-on-all-h265",
    "H.265: a marker on every packet, fragments too",
    seen="as marker-on-all",
)
class MarkerOnAllH265(InH265):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = True
        return packets


@habit(
    "no-markers-h265",
    "H.265: no packet has a marker",
    seen="restreamers of raw pipes (go2rtc)",
)
class NoMarkersH265(InH265):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = False
        return packets


@habit(
    "no-markers-shared-times-h265",
    "H.265: no markers, and five frames share a time stamp",
    seen="a raw pipe through go2rtc (exec: source without time stamps)",
    right="a slice that begins a frame ends the one before; equal times are spread",
)
class NoMarkersSharedTimesH265(NoMarkersH265):
    stamps_right = False

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp -= number % 5 * 9_000
        return super().packets(number, packets)


@habit(
    "empty-unit-in-aggregate-h265",
    "H.265: the parameter sets share a packet (AP) that ends with a unit of no bytes",
    seen="as empty-unit-in-aggregate",
)
class EmptyUnitInAggregateH265(InH265):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        sets = [nal for nal in nals if kind(nal) in (32, 33, 34)]
        rest = super().payloads(number, [nal for nal in nals if nal not in sets])
        if not sets:
            return rest
        return [b"\x60\x01" + b"".join(struct.pack("!H", len(nal)) + nal for nal in sets) + b"\0\0", *rest]


@habit(
    "sets-of-the-frame-before-h265",
    "H.265: the parameter sets carry the time of the frame before and a marker",
    seen="Reolink RLC-822A's firmware, with H.265 (Retina #13)",
)
class SetsOfTheFrameBeforeH265(InH265):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            if kind(packet.payload) in (32, 33, 34) and number:
                packet.timestamp -= 9_000
                packet.marker = True
        return packets


@habit(
    "fragments-of-all-h265",
    "H.265: every unit is a fragmented one, even those of one fragment, with both start and end bit",
    seen="as fragments-of-all (RFC 7798 4.4.3 forbids it)",
)
class FragmentsOfAllH265(InH265):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            if len(nal) <= self.limit:
                made.append(bytes((nal[0] & 0x81 | _FU << 1, nal[1], 0xC0 | kind(nal))) + nal[2:])
            else:
                made += super().payloads(number, [nal])
        return made


@habit(
    "zeros-behind-units",
    "behind each unit stand a few zero bytes, as a byte stream may have them",
    seen="encoders that pad units to words (ITU-T H.264 B.1: trailing_zero_8bits)",
)
class ZerosBehindUnits(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [nal + bytes(number % 4) for nal in nals]


@habit(
    "sets-in-fragments",
    "SPS and PPS come in fragments of a few bytes each",
    seen="packetisers with a tiny payload (RFC 6184 5.8 allows it for any unit)",
)
class SetsInFragments(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            if is_vcl("h264", nal) or len(nal) < 5:
                made += super().payloads(number, [nal])
                continue
            parts = [nal[1:][at : at + 2] for at in range(0, len(nal) - 1, 2)]
            for n, part in enumerate(parts):
                flags = (0x80 if n == 0 else 0) | (0x40 if n == len(parts) - 1 else 0)
                made.append(bytes((nal[0] & 0xE0 | 28, flags | nal[0] & 0x1F)) + part)
        return made


@habit(
    "delimiters-alone",
    "a delimiter comes in a packet of its own with a marker and a time just before that of its frame",
    seen="what came out of a transport stream, packet by packet",
)
class DelimitersAlone(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        alone = self.like(packets[0], b"\x09\xf0", marker=True)
        alone.timestamp -= 90
        return [alone, *packets]
