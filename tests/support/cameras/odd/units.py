"""Habits of NAL units and of how they are packed: start codes in payloads, odd types, fragments and markers."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.support.cameras.frames import is_vcl
from tests.support.cameras.odd.camera import H265, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp

_CODE = b"\0\0\0\1"


def kind(nal: bytes) -> int:
    """The type of an H.264 unit."""
    return nal[0] & 0x1F


def is_set(nal: bytes) -> bool:
    """Whether an H.264 unit is a parameter set."""
    return kind(nal) in (7, 8)


@habit(
    "start-codes-in-fragments",
    "SPS, PPS and keyframe are one fragmented unit with start codes between; nothing else has the sets in band",
    seen="V380 (Retina #68, #100)",
)
class StartCodesInFragments(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [_CODE.join(nals)] if any(map(is_set, nals)) else list(nals)


@habit(
    "start-code-payloads",
    "a frame is one payload: a byte stream with start codes",
    seen="cameras behind gortsplib #608",
)
class StartCodePayloads(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [b"".join(_CODE + nal for nal in nals)]


@habit(
    "unspecified-units",
    "in front of each frame a unit of type 0 or 30, for private data",
    seen="vendors' private data (ITU-T H.264 table 7-1: types 0 and 24 to 31 are unspecified)",
    right="what holds no slice is left out without harm to the frame",
)
class UnspecifiedUnits(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [(b"\x00" if number % 2 else b"\x1e") + b"\x7f" * 30, *nals]


@habit(
    "no-end-bit",
    "the last fragment of a unit has a marker but no end bit",
    seen="no report known; FFmpeg reads it, since it asks for the start bit alone",
)
class NoEndBit(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            if packet.payload[0] & 0x1F == 28:
                packet.payload = packet.payload[:1] + bytes((packet.payload[1] & ~0x40,)) + packet.payload[2:]
        return packets


@habit(
    "marker-on-all",
    "a marker on every packet, fragments too",
    seen="no report known; FFmpeg reads it, since it does not ask for the marker of H.264",
)
class MarkerOnAll(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = True
        return packets


@habit(
    "marker-on-units",
    "a marker ends every unit, parameter sets too",
    seen="OpenIPC (smolrtsp #43), ex_nvr #509",
)
class MarkerOnUnits(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = packet.payload[0] & 0x1F != 28 or bool(packet.payload[1] & 0x40)
        return packets


@habit(
    "sets-of-the-frame-before",
    "SPS and PPS carry the time of the frame before and a marker",
    seen="Reolink RLC-822A (Retina #13)",
)
class SetsOfTheFrameBefore(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            if is_set(packet.payload) and number:
                packet.timestamp -= 9_000
                packet.marker = True
        return packets


@habit(
    "no-markers",
    "no packet has a marker: only the next time stamp ends a frame",
    seen="restreamers of raw pipes (go2rtc)",
    right="every frame is recorded once, none glued to the next",
)
class NoMarkers(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = False
        return packets


@habit(
    "no-markers-shared-times",
    "no markers, and five frames share a time stamp",
    seen="a raw pipe through go2rtc (exec: source without time stamps)",
    right="a slice that begins a frame ends the one before; equal times are spread",
)
class NoMarkersSharedTimes(NoMarkers):
    stamps_right = False

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp -= number % 5 * 9_000
        return super().packets(number, packets)


@habit(
    "empty-unit-in-aggregate",
    "SPS and PPS share a packet (STAP-A) that ends with a unit of no bytes",
    seen="no report known; RFC 6184 5.7.1 leaves it open",
)
class EmptyUnitInAggregate(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        sets = [nal for nal in nals if is_set(nal)]
        rest = super().payloads(number, [nal for nal in nals if not is_set(nal)])
        if not sets:
            return rest
        return [b"\x78" + b"".join(struct.pack("!H", len(nal)) + nal for nal in sets) + b"\0\0", *rest]


@habit(
    "aggregates",
    "delimiter, parameter sets, SEI and small slices share packets (STAP-A)",
    seen="GStreamer with aggregate-mode",
)
class Aggregates(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        small = [b"\x09\xf0", *(nal for nal in nals if len(nal) < 500)]
        rest = super().payloads(number, [nal for nal in nals if len(nal) >= 500])
        return [b"\x78" + b"".join(struct.pack("!H", len(nal)) + nal for nal in small), *rest]


@habit(
    "aggregates-h265",
    "H.265: parameter sets and small slices share packets (AP)",
    seen="GStreamer with aggregate-mode",
)
class AggregatesH265(Camera):
    clip_spec = H265

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        small = [b"\x46\x01\x50", *(nal for nal in nals if len(nal) < 500)]
        rest = super().payloads(number, [nal for nal in nals if len(nal) >= 500])
        return [b"\x60\x01" + b"".join(struct.pack("!H", len(nal)) + nal for nal in small), *rest]


@habit(
    "end-of-sequence",
    "H.265: an end-of-sequence unit (two bytes, legal) closes each group",
    seen="encoders that join recordings (ITU-T H.265 7.3.2.6)",
)
class EndOfSequence(Camera):
    clip_spec = H265

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [*nals, b"\x48\x01"] if number % 20 == 19 else list(nals)


@habit(
    "end-of-sequence-h264",
    "H.264: an end-of-sequence unit of one byte closes each group",
    seen="encoders that join recordings (ITU-T H.264 7.3.2.5)",
)
class EndOfSequenceH264(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [*nals, b"\x0a"] if number % 20 == 19 else list(nals)


@habit(
    "delimiters-and-filler",
    "each frame begins with a delimiter and ends with filler data",
    seen="encoders with a strictly constant bit rate (ITU-T H.264 7.3.2.7)",
)
class DelimitersAndFiller(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [b"\x09\xf0", *nals, b"\x0c" + b"\xff" * (40 + number % 1_000) + b"\x80"]


@habit(
    "sei-everywhere",
    "user data in front of each slice, some of it with a start code inside, and H.265's suffix SEI behind",
    seen="ONVIF media signing; vendors' private data",
    right="every SEI unit stays as it was",
)
class SeiEverywhere(Camera):
    exact = True
    clip_spec = H265

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        body = bytes(range(1, 17)) + number.to_bytes(4) + b"\x10\x20\x30"
        sei = b"\x05" + bytes((len(body),)) + body + b"\x80"
        at = next(i for i, nal in enumerate(nals) if is_vcl("h265", nal))
        return [*nals[:at], b"\x4e\x01" + sei, *nals[at:], b"\x50\x01" + sei]


@habit(
    "sets-with-tail",
    "the SPS in band has bytes behind its end that the description's has not",
    seen="Reolink doorbell (Retina #102)",
)
class SetsWithTail(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [nal + b"\x04\xf6\x38\x04" if kind(nal) == 7 else nal for nal in nals]


def second_pps(pps: bytes) -> bytes:
    """The same PPS under id 1: `ue(0)` at its front becomes `ue(1)`, the stop bit moves behind."""
    bits = "".join(f"{byte:08b}" for byte in pps[1:]).rstrip("0")[:-1]
    bits = "010" + bits[1:] + "1"
    bits += "0" * (-len(bits) % 8)
    return pps[:1] + int(bits, 2).to_bytes(len(bits) // 8)


@habit(
    "alternating-sets",
    "every other keyframe comes with a second PPS that nothing uses",
    seen="no report known; ITU-T H.264 7.4.1.2.1 allows sets that nothing refers to",
    right="it is no change of the picture: one run",
)
class AlternatingSets(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if number // 20 % 2:
            return [unit for nal in nals for unit in ((nal, second_pps(nal)) if kind(nal) == 8 else (nal,))]
        return list(nals)


@habit(
    "sets-in-the-middle",
    "the parameter sets are repeated every second, also in front of frames that are no keyframes",
    seen="no report known; ITU-T H.264 7.4.1.2.1 allows it",
)
class SetsInTheMiddle(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [*self.clip().video.parameter_sets, *nals] if number % 20 == 10 else list(nals)
