"""Habits of RTP packets: what shares a channel with the frames, and what is wrong with the headers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

from nvr.demo.rtsp import DemoRequest, Response
from tests.support.cameras.clips import ClipSpec
from tests.support.cameras.odd.camera import LONG_GROUP, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp, interleaved

_VENDOR = b"\x10\x7f" * 20


@habit(
    "plain",
    "nothing odd, H.264",
    seen="a camera of the reference",
)
class Plain(Camera):
    pass


@habit(
    "empty-packets",
    "once a second an RTP packet without payload, in sequence",
    seen="Dahua (ZLMediaKit #555); pjproject #388; libdatachannel #1140",
)
class EmptyPackets(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return [*packets, self.like(packets[-1], b"")] if self.once_a_second(number) else packets


@habit(
    "one-empty-packet",
    "a single RTP packet without payload, in the middle of a group of 10 s",
    seen="as empty-packets, with the long groups of smart codecs",
)
class OneEmptyPacket(Camera):
    clip_spec = LONG_GROUP

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return [*packets, self.like(packets[-1], b"")] if number == 111 else packets


@habit(
    "padding-packets",
    "once a second a packet of padding alone, in sequence",
    seen="senders that probe the bandwidth (aiortc #135)",
)
class PaddingPackets(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if not self.once_a_second(number):
            return packets
        return [*packets, self.like(packets[-1], bytes(15) + b"\x10", flags=0xA0)]


@habit(
    "padded-packets",
    "every packet ends with padding of 4 to 12 bytes",
    seen="cameras reported to sipsorcery #608 and rtp-rs #2",
)
class PaddedPackets(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            size = 4 + 4 * (number % 3)
            packet.payload += bytes(size - 1) + bytes((size,))
            packet.flags |= 0x20
        return packets


@habit(
    "private-type",
    "after each frame a packet of payload type 50 with a marker and the number of the packet that follows",
    seen="Uniview, Uniarch (MediaMTX #4036, go2rtc #1722), a camera that is being turned (RtspClientSharp #98)",
)
class PrivateType(Camera):
    first = False

    def describe(self, text: str) -> str:
        return text.replace("96", "108")

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.payload_type = 108
        assert self.sequence is not None
        if self.first:
            private = self.like(packets[0], _VENDOR, payload_type=50, marker=True, sequence=self.sequence)
            return [private, *packets]
        following = (self.sequence + len(packets)) & 0xFFFF
        return [*packets, self.like(packets[0], _VENDOR, payload_type=50, marker=True, sequence=following)]


@habit(
    "private-type-first",
    "as private-type, in front of each frame: the first packet of the stream is not of the described type",
    seen="Uniview (MediaMTX #4036)",
)
class PrivateTypeFirst(PrivateType):
    first = True


@habit(
    "private-type-in-sequence",
    "once a second a packet of an undescribed payload type that takes a number of the sequence",
    seen="vendor data beside H.264 (MediaMTX #4036)",
)
class PrivateTypeInSequence(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if not self.once_a_second(number):
            return packets
        return [*packets, self.like(packets[0], _VENDOR, payload_type=112)]


@habit(
    "private-type-own-numbers",
    "once a second a packet of an undescribed payload type, with numbers of its own",
    seen="vendor data beside H.264 (go2rtc #1722)",
)
class PrivateTypeOwnNumbers(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if not self.once_a_second(number):
            return packets
        return [*packets, self.like(packets[0], _VENDOR, payload_type=112, sequence=number * 2_654_435 & 0xFFFF)]


@habit(
    "older-session",
    "once a second a packet of another SSRC, left over from an older session",
    seen="old live555 servers in Reolink cameras (Retina #17)",
    right="packets of the other SSRC are left out; every frame is recorded",
)
class OlderSession(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if not self.once_a_second(number):
            return packets
        slice_ = self.clip().video.units[41].payload[-1]
        old = self.like(packets[0], slice_, ssrc=99, sequence=number, marker=True)
        old.timestamp += 777_777
        return [*packets, old]


@habit(
    "channel-not-set-up",
    "once a second a packet on a channel that nobody set up, whose payload looks like framing",
    seen="old live555 servers in Reolink cameras (Retina #17)",
    right="it is stepped over by its length",
)
class ChannelNotSetUp(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if not self.once_a_second(number):
            return data
        body = b"\x55" * 40 + b"$\x00\x20\x00\x80" + b"\x55" * 80
        header = struct.pack("!BBHII", 0x80, 0, number, 0, 99)
        return [*data, interleaved(2, header + body)]


@habit(
    "reordered",
    "over TCP, two packets of a frame change places once a second",
    seen="cameras reported to gortsplib #470 and MediaMTX #5194 (packets are put in order before anything else)",
    right="the two are put in order again, nothing is lost",
)
class Reordered(Camera):
    limit = 400

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if len(packets) < 3 or not (self.once_a_second(number) or number % 20 == 0):
            return packets
        assert self.sequence is not None
        for at, packet in enumerate(packets):
            packet.sequence = self.sequence + at & 0xFFFF
        self.sequence = self.sequence + len(packets) & 0xFFFF
        packets[1], packets[2] = packets[2], packets[1]
        return packets


@habit(
    "repeated-packets",
    "every fifth frame is sent twice, with the same numbers",
    seen=(
        "a camera behind the Kinesis producer (amazon-kinesis-video-streams-producer-sdk-cpp #875:"
        " «duplicate or reordered packet»)"
    ),
    right="the second of each number is left out",
)
class RepeatedPackets(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 5:
            return packets
        assert self.sequence is not None
        again = [replace(packet, sequence=self.sequence + at & 0xFFFF) for at, packet in enumerate(packets)]
        return [*packets, *again]


@habit(
    "header-extension",
    "every packet has a header extension (ONVIF's replay extension, 0xABAC)",
    seen="ONVIF replay; servers reported to androidx/media #1225 and #1492",
)
class HeaderExtension(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.flags |= 0x10
            packet.extra = struct.pack("!HHQBBH", 0xABAC, 3, 0xE0000000_00000000 + number, 0x80, number & 0xFF, 0)
        return packets


@habit(
    "contributing-sources",
    "every packet names two contributing sources",
    seen="a camera reported to yellowstone #8",
)
class ContributingSources(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.flags |= 2
            packet.extra = struct.pack("!II", 1, 2)
        return packets


@habit(
    "new-ssrc",
    "after 8 s the encoder starts anew within the session: another SSRC, other numbers and times",
    seen="senders that restart behind their RTSP server (AndroidStreamingClient #12)",
    right="the new one is followed from its first keyframe on",
)
class NewSsrc(Camera):
    at = 80
    same_ssrc = False

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number == self.at and self.sequence is not None:
            self.sequence = self.sequence + 30_000 & 0xFFFF
        if number >= self.at:
            for packet in packets:
                packet.ssrc = packet.ssrc if self.same_ssrc else packet.ssrc ^ 0x5A5A5A5A
        return packets


@habit(
    "numbers-restart",
    "after 8 s the sequence goes on at another number, with a keyframe; SSRC and times stay",
    seen="senders that restart behind their RTSP server (RFC 3550 A.1)",
    right="no packet is missing: nothing is lost",
)
class NumbersRestart(NewSsrc):
    same_ssrc = True


@habit(
    "reports-on-the-media-channel",
    "RTCP sender reports come on the channel of the frames",
    seen="no report known; RFC 5761 allows it where it was agreed on",
    right="they are told from frames by their type",
)
class ReportsOnTheMediaChannel(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if number % 10 == 5:
            body = struct.pack("!BBHIIIIII", 0x80, 200, 6, 0x1234, 0xEA000000, 0, number * 9000, number, number * 900)
            return [*data, interleaved(0, body)]
        return data


@habit(
    "empty-framing",
    "once a second an interleaved packet of no bytes at all",
    seen="malformed framing of cameras reported to curl #10808",
)
class EmptyFraming(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        return [*data, interleaved(0, b"")] if self.once_a_second(number) else data


@habit(
    "line-ends-between",
    "once a second an empty line stands between two packets",
    seen="malformed framing of cameras reported to curl #10808",
)
class LineEndsBetween(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        return [*data, b"\r\n"] if self.once_a_second(number) else data


@habit(
    "junk-between",
    "every 2 s some bytes stand between two packets that belong to nothing",
    seen="Canon VB-H47 (gortsplib #653)",
    right="reading resumes at the next packet",
)
class JunkBetween(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        return [*data, b"\x00\x01\x02junk\xff\xfe\x7f" * 3] if number % 20 == 5 else data


@habit(
    "other-channels",
    "the frames come on channels 4 and 5 although 0 and 1 were asked for",
    seen="a camera that answers 4-5 to 2-3 (gortsplib #72), 8-9 to 2-3 (MediaMTX #19)",
    right="the answer's channels count",
)
class OtherChannels(Camera):
    answered = "interleaved=4-5"

    def asked(self, request: DemoRequest) -> DemoRequest:
        if request.method == "SETUP":
            headers = {**request.headers, "transport": "RTP/AVP/TCP;unicast;interleaved=4-5"}
            return replace(request, headers=headers)
        return request


@habit(
    "channel-not-named",
    "the answer to SETUP does not say which channels",
    seen="a camera reported to gortsplib #142",
    right="the channels that were asked for count",
)
class ChannelNotNamed(Camera):
    transport = "RTP/AVP/TCP;unicast"

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and response.status == 200:
            kept = [(name, value) for name, value in response.headers if name != "Transport"]
            response.headers = [("Transport", self.transport), *kept]
        return response


@habit(
    "channel-named-last",
    "the answer to SETUP names the SSRC before the channels, of which it names one only",
    seen="a webcam reported to Retina #120",
)
class ChannelNamedLast(ChannelNotNamed):
    transport = "RTP/AVP/TCP;ssrc=22345684;interleaved=0"


@habit(
    "transport-not-answered",
    "the answer to SETUP has no Transport header at all",
    seen="cameras reported to gortsplib #456",
    right="what was asked for counts",
)
class TransportNotAnswered(ChannelNotNamed):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and response.status == 200:
            response.headers = [(name, value) for name, value in response.headers if name != "Transport"]
        return response


@habit(
    "ssrc-for-each-group",
    "every group of pictures has another SSRC; numbers and times go on",
    seen="Uniview (gortsplib #687; FFmpeg and VLC play it)",
    right="no packet is missing: nothing is lost",
)
class SsrcForEachGroup(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.ssrc = packet.ssrc + number // 20 & 0xFFFFFFFF
        return packets


@habit(
    "large-packets",
    "a frame is one packet of up to 60 kB, never fragmented",
    seen="servers that send over TCP only and need no datagrams (MediaMTX, go2rtc)",
)
class LargePackets(Camera):
    limit = 60_000
    clip_spec = ClipSpec(frames=900, frame_rate=10, group=20, bit_rate_bps=400_000)


@habit(
    "tiny-fragments",
    "frames are cut into fragments of 60 bytes",
    seen="no report known; a link with a small MTU makes them",
)
class TinyFragments(Camera):
    limit = 60


@habit(
    "lossy",
    "every 5 s a packet of a frame is lost",
    seen="a Reolink camera (Retina #40), cameras reported to gortsplib #470",
    right="the frames up to the next keyframe are a gap, cause corrupt, class network; the rest is recorded",
)
class Lossy(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 50 != 33:
            return packets
        assert self.sequence is not None
        self.spoiled.add(number)
        self.sequence = self.sequence + 1 & 0xFFFF
        return packets[1:]


@habit(
    "fragments-of-all",
    "every unit is a fragmented one, even those of one fragment, with both start and end bit",
    seen="no report known; RFC 6184 5.8 forbids it and FFmpeg reads it",
)
class FragmentsOfAll(Camera):
    def payloads(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        made: list[bytes] = []
        for nal in nals:
            if len(nal) <= self.limit:
                made.append(bytes((nal[0] & 0xE0 | 28, 0xC0 | nal[0] & 0x1F)) + nal[1:])
            else:
                made += super().payloads(number, [nal])
        return made
