"""More habits of RTP and RTCP packets: senders that change, packets that come twice, reports that are none."""

from __future__ import annotations

import asyncio
import struct

from tests.support.cameras.odd.camera import Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp, interleaved


@habit(
    "ssrc-for-each-frame",
    "every frame has another SSRC; numbers and times go on",
    seen="as ssrc-for-each-group; FFmpeg does not look at it",
)
class SsrcForEachFrame(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.ssrc = 0x1000 + number
        return packets


@habit(
    "ssrc-of-nothing",
    "the SSRC is 0, and SETUP named another one",
    seen="macro-video's server in V380 (Retina #68)",
)
class SsrcOfNothing(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.ssrc = 0
        return packets


@habit(
    "all-twice",
    "every packet comes twice, one after the other",
    seen="bridges and mirrored ports; redundant rings",
)
class AllTwice(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        return [packet for packet in data for _ in range(2)]


@habit(
    "old-packets-again",
    "once a second the packets of the frame of two seconds ago come again",
    seen="senders that repeat what they think was lost (SRT and NACK gateways)",
)
class OldPacketsAgain(Camera):
    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._past: list[list[bytes]] = []

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        self._past = [*self._past[-20:], data]
        return [*data, *self._past[0]] if self.once_a_second(number) and len(self._past) > 20 else data


@habit(
    "reports-of-others",
    "on the report channel come descriptions of the source, application packets,"
    " extended reports and reports cut short",
    seen="RFC 3550 6.5 and 6.7, RFC 3611; cameras whose reports end in the middle",
)
class ReportsOfOthers(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if not self.once_a_second(number):
            return data
        track = self.connection.tracks[0]
        ssrc = struct.pack("!I", track.packetiser.ssrc)
        odd = (
            b"\x81\xca\x00\x03" + ssrc + b"\x01\x03cam\x00\x00\x00",
            b"\x80\xcc\x00\x02" + ssrc + b"NAME",
            b"\x80\xcf\x00\x01" + ssrc,
            b"\x80\xc8\x00\x06" + ssrc + b"\x00\x00",
            b"\x81\xcb\xff\xff" + b"\x00\x00\x00\x63",
            b"",
        )[number // 10 % 6]
        return [*data, interleaved(track.channel + 1, odd)]


@habit(
    "goodbye-of-another",
    "once a second the report channel says goodbye for an SSRC that is not the stream's",
    seen="old live555 servers, which end an older client's session late (Retina #17)",
    right="it is no end of this stream",
)
class GoodbyeOfAnother(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if not self.once_a_second(number):
            return data
        bye = b"\x81\xcb\x00\x01\x00\x00\x00\x63"
        return [*data, interleaved(self.connection.tracks[0].channel + 1, bye)]


@habit(
    "goodbye-in-the-middle",
    "every 6 s the camera says goodbye and goes on as if nothing had been",
    seen="live555 as a server when it loops a file",
    right="it goes on, so that was no end",
)
class GoodbyeInTheMiddle(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        track = self.connection.tracks[0]
        bye = struct.pack("!BBHI", 0x81, 203, 1, track.packetiser.ssrc)
        return [*data, interleaved(track.channel + 1, bye)] if number % 60 == 50 else data


@habit(
    "many-sources-and-extension",
    "every packet has fifteen contributing sources, an extension of two bytes' kind (RFC 8285) and padding",
    seen="mixers; RFC 3550 5.1 allows all of it at once",
)
class ManySourcesAndExtension(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.flags |= 0x3F
            packet.extra = bytes(60) + b"\x10\x00\x00\x02\x05\x03abc\x00\x00\x00"
            packet.payload += b"\x00\x00\x00\x04"
        return packets


@habit(
    "channels-swapped",
    "frames come on the channel of the reports, and reports on that of the frames",
    seen="firmware that mixes the two up (RFC 2326 10.12 leaves the order open)",
)
class ChannelsSwapped(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        return [packet[:1] + bytes((packet[1] ^ 1,)) + packet[2:] for packet in data]


@habit(
    "tiny-writes",
    "once a second a frame arrives in pieces of 50 bytes, with headers cut through",
    seen="modems and tunnels with a tiny segment size",
)
class TinyWrites(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if not self.once_a_second(number):
            return data
        whole = b"".join(data)
        while len(whole) > 50:
            self.connection.writer.write(whole[:50])
            whole = whole[50:]
            await asyncio.sleep(0)
        return [whole]
