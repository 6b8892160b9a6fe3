"""Cousins of the habits of units and packets, in both codecs: what stands between, behind or around units, markers and
fragments that contradict each other, and units that are cut."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.support.cameras.frames import is_vcl
from tests.support.cameras.odd.camera import H265, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.pictures import Slices, SlicesH265
from tests.support.cameras.odd.rtp import Rtp

_SHORT = b"\0\0\1"
_CODE = b"\0\0\0\1"
NO_HARM = "what holds no slice is left out without harm to the frame"


class Cousin(Camera):
    """What cameras of both codecs have in common."""

    @property
    def header(self) -> int:
        """Bytes of a unit's header."""
        return 1 if self.codec == "h264" else 2

    def is_fragment(self, payload: bytes) -> bool:
        return payload[0] & 0x1F == 28 if self.codec == "h264" else payload[0] >> 1 & 0x3F == 49

    def unit(self, kind: int, body: bytes) -> bytes:
        """A unit of a type."""
        return bytes((kind,)) + body if self.codec == "h264" else bytes((kind << 1, 1)) + body

    def aggregate(self, units: Sequence[bytes]) -> bytes:
        head = b"\x78" if self.codec == "h264" else b"\x60\x01"
        return head + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)

    def fragments(self, unit: bytes, size: int = 300) -> list[bytes]:
        """A unit in parts, however small it is."""
        made: list[bytes] = []
        body = unit[self.header :]
        for at in range(0, len(body), size):
            flags = (0 if at else 0x80) | (0x40 if at + size >= len(body) else 0)
            if self.codec == "h264":
                made.append(bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F)) + body[at : at + size])
            else:
                kind = unit[0] >> 1 & 0x3F
                made.append(bytes((unit[0] & 0x81 | 49 << 1, unit[1], flags | kind)) + body[at : at + size])
        return made

    def flags_at(self) -> int:
        """Where a fragment has its start and end bits."""
        return self.header

    def is_slice(self, unit: bytes) -> bool:
        return is_vcl(self.codec, unit)


class CousinH265(Cousin):
    clip_spec = H265


@habit(
    "short-codes-in-fragments",
    "the parameter sets and the keyframe are one fragmented unit, with start codes of three bytes between",
    seen="as start-codes-in-fragments (Retina #68), with the short codes of ITU-T H.264 B.1",
)
class ShortCodesInFragments(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [_SHORT.join(nals)] if len(nals) > 2 else list(nals)


@habit(
    "short-codes-in-fragments-h265",
    "H.265: the parameter sets and the keyframe are one fragmented unit, with start codes of three bytes between",
    seen="as short-codes-in-fragments",
)
class ShortCodesInFragmentsH265(CousinH265, ShortCodesInFragments):
    pass


@habit(
    "short-start-codes-h265",
    "H.265: each unit, fragmented or not, begins with a start code of three bytes",
    seen="as short-start-codes (Retina #68's dump has both)",
)
class ShortStartCodesH265(CousinH265):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            made += [_SHORT + nal] if len(nal) < 1_100 else self.fragments(nal[: self.header] + _SHORT + nal)
        return made


@habit(
    "code-before-fragmented-units",
    "what is large begins with a start code, behind the header that its fragments bear",
    seen="encoders whose packetiser takes the first byte of their output for a unit's header (Retina #68's kin)",
)
class CodeBeforeFragmentedUnits(Cousin):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            made += self.fragments(nal[: self.header] + _CODE + nal) if len(nal) > 300 else [nal]
        return made


@habit(
    "code-before-fragmented-units-h265",
    "H.265: what is large begins with a start code, behind the header that its fragments bear",
    seen="as code-before-fragmented-units",
)
class CodeBeforeFragmentedUnitsH265(CousinH265, CodeBeforeFragmentedUnits):
    pass


@habit(
    "empty-units-everywhere",
    "each frame is an aggregate that begins with two units of no bytes, and has one between any two",
    seen="as empty-unit-in-aggregate, elsewhere in the packet",
)
class EmptyUnitsEverywhere(Cousin):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        small = [nal for nal in nals if len(nal) < 1_000]
        spaced = [b"", b"", *(unit for nal in small for unit in (nal, b""))]
        large = [nal for nal in nals if len(nal) >= 1_000]
        return [self.aggregate(spaced), *(part for nal in large for part in self.fragments(nal, 1_000))]


@habit(
    "empty-units-everywhere-h265",
    "H.265: each frame is an aggregate that begins with two units of no bytes, and has one between any two",
    seen="as empty-unit-in-aggregate, elsewhere in the packet",
)
class EmptyUnitsEverywhereH265(CousinH265, EmptyUnitsEverywhere):
    pass


@habit(
    "units-of-a-header-alone",
    "in front of each frame, and behind it, stands a unit that is a header and nothing else: of a slice, a set, an SEI"
    " unit, a delimiter",
    seen="encoders that announce what they then leave out (ITU-T H.264 7.3.1: a unit may not be empty)",
    right=NO_HARM,
)
class UnitsOfAHeaderAlone(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        kinds = (0x67, 0x68, 6, 9, 0x65) if self.codec == "h264" else (32, 33, 34, 39, 35, 19)
        return [self.unit(kinds[number % len(kinds)], b""), *nals, self.unit(1, b"")]


@habit(
    "units-of-a-header-alone-h265",
    "H.265: in front of each frame, and behind it, stands a unit that is a header and nothing else: of a slice, a set,"
    " an SEI unit, a delimiter",
    seen="as units-of-a-header-alone",
    right=NO_HARM,
)
class UnitsOfAHeaderAloneH265(CousinH265, UnitsOfAHeaderAlone):
    pass


@habit(
    "delimiter-at-the-end",
    "each frame ends with a delimiter, which has the marker, instead of beginning with one",
    seen="what came out of a transport stream, cut where the next delimiter was found",
)
class DelimiterAtTheEnd(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [*nals, b"\x09\xf0" if self.codec == "h264" else b"\x46\x01\x50"]


@habit(
    "delimiter-at-the-end-h265",
    "H.265: each frame ends with a delimiter, which has the marker, instead of beginning with one",
    seen="as delimiter-at-the-end",
)
class DelimiterAtTheEndH265(CousinH265, DelimiterAtTheEnd):
    pass


@habit(
    "messages-that-make-no-sense",
    "SEI units whose sizes reach beyond their end, that have no bytes, or that lack their trailing bits",
    seen="vendors' private messages (Dahua's IVS, Hikvision's POS); ONVIF media signing of early firmware",
    right=NO_HARM,
)
class MessagesThatMakeNoSense(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        kind = 6 if self.codec == "h264" else 39
        bodies = (b"\x05\xff\xff\x20" + b"\x33" * 9, b"\x05", b"\xff" * 12, b"\x05\x04abcd", b"\x80")
        return [self.unit(kind, bodies[number % len(bodies)]), *nals]


@habit(
    "messages-that-make-no-sense-h265",
    "H.265: SEI units whose sizes reach beyond their end, that have no bytes, or that lack their trailing bits",
    seen="as messages-that-make-no-sense",
    right=NO_HARM,
)
class MessagesThatMakeNoSenseH265(CousinH265, MessagesThatMakeNoSense):
    pass


@habit(
    "messages-behind-the-frame",
    "behind each frame, with its time and the marker, comes an SEI unit that belongs in front",
    seen="analytics that are ready after the picture (metadata in SEI of cameras with object detection)",
    right=NO_HARM,
)
class MessagesBehindTheFrame(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        kind = 6 if self.codec == "h264" else 39
        return [*nals, self.unit(kind, b"\x05\x12" + bytes(range(1, 17)) + b"ok\x80")]


@habit(
    "messages-behind-the-frame-h265",
    "H.265: behind each frame, with its time and the marker, comes an SEI unit that belongs in front",
    seen="as messages-behind-the-frame",
    right=NO_HARM,
)
class MessagesBehindTheFrameH265(CousinH265, MessagesBehindTheFrame):
    pass


@habit(
    "start-bit-on-all-fragments",
    "every second, each fragment of a frame has the start bit, as if it began the unit",
    seen="no report known; firmware that forgets to clear it",
    right="no player reads such a frame: it and those that refer to it are a gap, cause corrupt, class camera",
)
class StartBitOnAllFragments(Cousin):
    limit = 200

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 30 == 27:
            parts = [packet for packet in packets if self.is_fragment(packet.payload)]
            if len(parts) > 1:
                self.spoiled.add(number)
            at = self.flags_at()
            for packet in parts:
                packet.payload = packet.payload[:at] + bytes((packet.payload[at] | 0x80,)) + packet.payload[at + 1 :]
        return packets


@habit(
    "start-bit-on-all-fragments-h265",
    "H.265: every second, each fragment of a frame has the start bit, as if it began the unit",
    seen="as start-bit-on-all-fragments",
    right="no player reads such a frame: it and those that refer to it are a gap, cause corrupt, class camera",
)
class StartBitOnAllFragmentsH265(CousinH265, StartBitOnAllFragments):
    pass


@habit(
    "no-start-bit",
    "every three seconds, the first fragment of a frame lacks the start bit",
    seen="no report known; no-end-bit the other way round",
    right="no player reads such a frame: it and those that refer to it are a gap, cause corrupt, class camera",
)
class NoStartBit(Cousin):
    limit = 200

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        parts = [packet for packet in packets if self.is_fragment(packet.payload)]
        if number % 30 == 27 and parts:
            self.spoiled.add(number)
            at, packet = self.flags_at(), parts[0]
            packet.payload = packet.payload[:at] + bytes((packet.payload[at] & 0x7F,)) + packet.payload[at + 1 :]
        return packets


@habit(
    "no-start-bit-h265",
    "H.265: every three seconds, the first fragment of a frame lacks the start bit",
    seen="as no-start-bit",
    right="no player reads such a frame: it and those that refer to it are a gap, cause corrupt, class camera",
)
class NoStartBitH265(CousinH265, NoStartBit):
    pass


@habit(
    "slice-cut-in-an-aggregate",
    "every three seconds, a slice in an aggregate says that it is longer than the packet",
    seen="firmware that cuts packets at its limit (Frigate #7384's kin)",
    right="the frame and those that refer to it are a gap, cause corrupt, class camera",
)
class SliceCutInAnAggregate(Cousin):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if number % 30 != 27:
            return super().payloads(number, nals)
        self.spoiled.add(number)
        return [self.aggregate([*nals])[:-20]]


@habit(
    "slice-cut-in-an-aggregate-h265",
    "H.265: every three seconds, a slice in an aggregate says that it is longer than the packet",
    seen="as slice-cut-in-an-aggregate",
    right="the frame and those that refer to it are a gap, cause corrupt, class camera",
)
class SliceCutInAnAggregateH265(CousinH265, SliceCutInAnAggregate):
    pass


@habit(
    "fragments-in-an-aggregate",
    "the two fragments of a unit come together in one aggregate",
    seen="packetisers in series (RFC 6184 5.7 forbids it); no player reads them",
)
class FragmentsInAnAggregate(Cousin):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if number % 30 != 27:
            return super().payloads(number, nals)
        parts = [part for nal in nals for part in self.fragments(nal, max(40, len(nal) // 2))]
        return [self.aggregate(parts)]


@habit(
    "fragments-in-an-aggregate-h265",
    "H.265: the two fragments of a unit come together in one aggregate",
    seen="as fragments-in-an-aggregate (RFC 7798 4.4.2)",
)
class FragmentsInAnAggregateH265(CousinH265, FragmentsInAnAggregate):
    pass


@habit(
    "reserved-slices-beside",
    "behind the slice of each frame comes one of a type that is reserved",
    seen="future extensions (ITU-T H.265 table 7-1: types 10 to 15 and 22 to 31 are reserved)",
    right=NO_HARM,
)
class ReservedSlicesBeside(CousinH265):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [*nals, self.unit((10, 12, 22, 31)[number % 4], b"\x80" + b"\x6b" * 50)]


@habit(
    "sets-with-tails-h265",
    "H.265: each parameter set has bytes behind its end, some of them zeros",
    seen="as sets-with-tail (Retina #102), with H.265",
)
class SetsWithTailsH265(CousinH265):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [nal if self.is_slice(nal) else nal + b"\x04\xf6\0\0" for nal in nals]


@habit(
    "empty-packets-with-marker-h265",
    "H.265: in front of each frame comes a packet without payload that has its time and a marker, behind it one of"
    " padding",
    seen="as empty-packets and padding-packets",
)
class EmptyPacketsWithMarkerH265(CousinH265):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        empty = self.like(packets[0], b"", marker=True)
        padding = self.like(packets[0], b"\0\0\0\4", marker=number % 2 == 0)
        padding.flags |= 0x20
        return [empty, *packets, padding]


@habit(
    "end-of-bitstream-h265",
    "H.265: each group ends with an end of sequence and an end of bitstream, in a packet of their own with the marker",
    seen="encoders that are started anew for each group (ITU-T H.265 7.3.2.7)",
)
class EndOfBitstreamH265(CousinH265):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [*nals, b"\x48\x01", b"\x4a\x01"] if number % 20 == 19 else list(nals)


@habit(
    "sets-cut-short",
    "every other keyframe has an SPS of which only the first bytes came",
    seen="firmware that cuts packets (Frigate #7384's kin); the description has it whole",
)
class SetsCutShort(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        sps = 7 if self.codec == "h264" else 33
        kinds = [nal[0] & 0x1F if self.codec == "h264" else nal[0] >> 1 & 0x3F for nal in nals]
        if number // self.clip_spec.group % 2 == 0:
            return list(nals)
        return [nal[:5] if kind == sps else nal for kind, nal in zip(kinds, nals, strict=True)]


@habit(
    "sets-cut-short-h265",
    "H.265: every other keyframe has an SPS of which only the first bytes came",
    seen="as sets-cut-short",
)
class SetsCutShortH265(CousinH265, SetsCutShort):
    pass


LOST = "the frame and those that refer to it are a gap, cause corrupt, class camera"


@habit(
    "forbidden-bit",
    "every three seconds a slice has the forbidden bit set",
    seen="gateways that forward what they know to be hit (RFC 6184 1.3: F bit)",
    right=LOST,
)
class ForbiddenBit(Cousin):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if number % 30 != 27:
            return list(nals)
        self.spoiled.add(number)
        return [bytes((nal[0] | 0x80,)) + nal[1:] if self.is_slice(nal) else nal for nal in nals]


@habit(
    "forbidden-bit-h265",
    "H.265: every three seconds a slice has the forbidden bit set",
    seen="as forbidden-bit",
    right=LOST,
)
class ForbiddenBitH265(CousinH265, ForbiddenBit):
    pass


@habit(
    "first-slice-not-sent",
    "every three seconds the first of a frame's slices is not sent; no number is missing",
    seen="encoders that drop what is late, slice by slice",
    right=LOST,
)
class FirstSliceNotSent(Cousin):
    clip_spec = Slices.clip_spec

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if number % 30 != 27:
            return list(nals)
        self.spoiled.add(number)
        first = next(nal for nal in nals if self.is_slice(nal))
        return [nal for nal in nals if nal is not first]


@habit(
    "last-slice-not-sent-h265",
    "H.265: every three seconds the last of a frame's slices is not sent, and so no marker; no number is missing",
    seen="as first-slice-not-sent",
    right=LOST,
)
class LastSliceNotSentH265(Cousin):
    clip_spec = SlicesH265.clip_spec

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if number % 30 != 27:
            return list(nals)
        self.spoiled.add(number)
        return list(nals)[:-1]

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        packets[-1].marker = packets[-1].marker and number not in self.spoiled
        return packets


@habit(
    "last-fragment-not-sent",
    "every three seconds the last fragment of a frame is not sent, and so no end bit and no marker; no number is"
    " missing",
    seen="as first-slice-not-sent",
    right=LOST,
)
class LastFragmentNotSent(Cousin):
    limit = 200

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 30 != 27 or len(packets) < 2:
            return packets
        self.spoiled.add(number)
        return packets[:-1]


@habit(
    "last-fragment-not-sent-h265",
    "H.265: every three seconds the last fragment of a frame is not sent, and so no end bit and no marker; no number is"
    " missing",
    seen="as first-slice-not-sent",
    right=LOST,
)
class LastFragmentNotSentH265(CousinH265, LastFragmentNotSent):
    pass


@habit(
    "private-units-between-fragments",
    "a unit of an unspecified type comes between the fragments of a slice",
    seen="vendors' private data, sent when it is ready; FFmpeg leaves it out and reads on",
    right=NO_HARM,
)
class PrivateUnitsBetweenFragments(Cousin):
    limit = 300

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made = super().payloads(number, nals)
        if len(made) > 1 and self.is_fragment(made[-1]):
            made.insert(len(made) - 1, self.unit(30 if self.codec == "h264" else 60, b"\x7f" * 20))
        return made


@habit(
    "messages-between-fragments-h265",
    "H.265: an SEI unit comes between the fragments of a slice",
    seen="as private-units-between-fragments",
    right=NO_HARM,
)
class MessagesBetweenFragmentsH265(CousinH265):
    limit = 300

    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made = super().payloads(number, nals)
        if len(made) > 1 and self.is_fragment(made[-1]):
            made.insert(len(made) - 1, self.unit(39, b"\x05\x12" + bytes(range(1, 17)) + b"ok\x80"))
        return made


@habit(
    "single-bytes-between",
    "packets whose payload is a single byte come between those of a frame",
    seen="firmware that keeps the connection busy; emptyrtp's kin",
    right=NO_HARM,
)
class SingleBytesBetween(Cousin):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        first, *rest = packets
        return [self.like(first, b"\0"), first, *(p for rest_ in rest for p in (self.like(first, b"\xff"), rest_))]


@habit(
    "long-start-codes",
    "what is not fragmented begins with a start code of six bytes",
    seen="byte streams with leading zeros (ITU-T H.264 B.1: leading_zero_8bits)",
)
class LongStartCodes(Cousin):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [
            b"\0\0\0\0\0\1" + payload if not self.is_fragment(payload) else payload
            for payload in super().payloads(number, nals)
        ]


@habit(
    "start-codes-behind-h265",
    "H.265: each unit ends with the start code of the next",
    seen="byte streams that are cut behind the start code instead of in front",
)
class StartCodesBehindH265(CousinH265):
    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        return [nal + (_CODE if number % 2 else _SHORT) for nal in nals]
