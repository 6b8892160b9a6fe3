"""Siblings of the habits of units, packets and stamps: types that change, layers, markers on some frames alone, numbers
and stamps that say less than they should."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from tests.support.cameras.frames import is_vcl
from tests.support.cameras.odd.camera import H265, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp
from tests.support.cameras.odd.times import WITHIN_A_SECOND, Stamped
from tests.support.cameras.odd.units import is_set, kind


@habit(
    "fragment-type-changes",
    "fragments behind the first name another type of unit, and another importance, than the first",
    seen="no report known; FFmpeg, live555 and GStreamer believe the first alone",
)
class FragmentTypeChanges(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [
            bytes((0x1C, payload[1] & 0x60 | 1)) + payload[2:]
            if payload[0] & 0x1F == 28 and not payload[1] & 0x80
            else payload
            for payload in super().payloads(number, nals)
        ]


@habit(
    "layers-beside",
    "each slice has a prefix (type 14) in front and an extension (type 20) behind,"
    " keyframes have a second SPS of type 15",
    seen="scalable video of conference cameras, GoPro, Hikvision's SVC (ITU-T H.264 annex G)",
    right="the base layer is recorded",
)
class LayersBeside(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            if is_vcl("h264", nal):
                made += [bytes((nal[0] & 0x60 | 14, 0x80, 0x40, 0x07)), nal, b"\x14\x80\x44\x47" + b"\x5a" * 40]
            else:
                made += [nal, b"\x6f" + nal[1:]] if kind(nal) == 7 else [nal]
        return made


@habit(
    "no-marker-on-keyframes",
    "every frame ends with a marker but for keyframes",
    seen="packetisers that mark the last slice of type 1 (smolrtsp #43's kin)",
)
class NoMarkerOnKeyframes(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = packet.marker and number % self.clip_spec.group > 0
        return packets


@habit(
    "marker-on-keyframes-alone",
    "only keyframes end with a marker",
    seen="senders that mean a point of access by it",
)
class MarkerOnKeyframesAlone(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = packet.marker and number % self.clip_spec.group == 0
        return packets


@habit(
    "marker-on-the-next-frame",
    "the marker stands on the first packet of the next frame instead of on the last of its own",
    seen="RFC 6416's reading of the marker; senders that notice an end by what follows",
)
class MarkerOnTheNextFrame(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = packet is packets[0] and number > 0
        return packets


@habit(
    "level-alternates",
    "the SPS of every other keyframe names another level",
    seen="encoders with a bit rate of their own choosing (ITU-T H.264 A.3)",
    right="every frame is recorded, without a gap",
)
class LevelAlternates(Camera):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        higher = number // self.clip_spec.group % 2
        return [nal[:3] + bytes((nal[3] + 1,)) + nal[4:] if kind(nal) == 7 and higher else nal for nal in nals]


@habit(
    "sets-now-and-then",
    "the parameter sets are not described, and come in band with every third keyframe",
    seen="Raspberry Pi's encoder with a header every few seconds",
)
class SetsNowAndThen(Camera):
    def describe(self, text: str) -> str:
        return re.sub(r";?sprop-parameter-sets=[^;\r\n]*", "", text)

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [nal for nal in nals if not is_set(nal) or number // self.clip_spec.group % 3 == 0]


@habit(
    "decoding-order-numbers-h265",
    "H.265: the description says sprop-max-don-diff=1, and each payload has its number of decoding order",
    seen="RFC 7798 4.4",
)
class DecodingOrderNumbersH265(Camera):
    clip_spec = H265

    def describe(self, text: str) -> str:
        return re.sub(r"(a=fmtp:96 [^\r]*)", r"\1;sprop-max-don-diff=1;sprop-depack-buf-nalus=0", text)

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        don = struct.pack("!H", number & 0xFFFF)
        made: list[bytes] = []
        for payload in super().payloads(number, nals):
            fragment = payload[0] >> 1 & 0x3F == 49
            at = 3 if fragment else 2
            has = not fragment or payload[2] & 0x80
            made.append(payload[:at] + don + payload[at:] if has else payload)
        return made


@habit(
    "stamps-of-groups",
    "all frames of a group have the time stamp of its keyframe",
    seen="senders that stamp what a file's index says of keyframes",
    right=WITHIN_A_SECOND,
)
class StampsOfGroups(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return number // 20 * 180_000


@habit(
    "stamps-doubled",
    "stamps are 1/5 s apart, frames come every 1/10 s",
    seen="cameras whose frame rate was set to half of what comes (MediaMTX #5550's kin)",
    right=WITHIN_A_SECOND,
)
class StampsDoubled(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return 2 * pts


@habit(
    "stamps-halved",
    "stamps are 1/20 s apart, frames come every 1/10 s",
    seen="fields that are counted as frames",
    right=WITHIN_A_SECOND,
)
class StampsHalved(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts // 2


@habit(
    "clock-rate-of-kilohertz",
    "rtpmap says H264/1000 and the stamps count milliseconds",
    seen="a legal rate that nobody expects (RFC 6184 8.2.1 demands 90000)",
)
class ClockRateOfKilohertz(Camera):
    def describe(self, text: str) -> str:
        return text.replace("H264/90000", "H264/1000")

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp = packet.timestamp // 90
        return packets
