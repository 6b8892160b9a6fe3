"""More habits of sound: tracks that are refused in other ways, packets of several frames, a second track."""

from __future__ import annotations

import struct
from typing import ClassVar

from nvr.demo.rtsp import DemoRequest, HangUp, Response
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp
from tests.support.cameras.odd.sound import FRAMES_FIRST, WithAac, WithG711


@habit("sound-refused-461", "SETUP of the sound track is answered 461", seen="as sound-refused", right=FRAMES_FIRST)
class SoundRefused461(WithG711):
    sounds = False

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=1"):
            self.connection.tracks.pop(1, None)
            return Response(461)
        return response


@habit(
    "sound-hangs-up",
    "the camera closes the connection when its sound is set up",
    seen="firmware that crashes at the second SETUP",
    right=FRAMES_FIRST,
)
class SoundHangsUp(WithAac):
    sounds = False

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=1"):
            raise HangUp
        return response


@habit(
    "sound-spoils-play",
    "with sound set up PLAY is answered 500, without it 200",
    seen="a microphone that is switched off and described all the same",
    right=FRAMES_FIRST,
)
class SoundSpoilsPlay(WithAac):
    sounds = False

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return Response(500) if request.method == "PLAY" and 1 in self.connection.tracks else response


@habit(
    "sound-refused-first",
    "the sound stands first in the description, and its SETUP is answered 404",
    seen="as sound-before-video",
    right=FRAMES_FIRST,
)
class SoundRefusedFirst(WithAac):
    sounds = False

    def describe(self, text: str) -> str:
        at, sound_at = text.index("m=video"), text.index("m=audio")
        return text[:at] + text[sound_at:] + text[at:sound_at]

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=1"):
            self.connection.tracks.pop(1, None)
            return Response(404)
        return response


@habit(
    "sound-lossy",
    "every tenth packet of sound is lost",
    seen="as lossy, with sound",
)
class SoundLossy(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return [] if number % 10 == 3 else packets


@habit(
    "sound-of-another-type",
    "G.711 A-law is described as payload type 8 and comes as 0",
    seen="cameras whose sound settings need a restart",
    right=FRAMES_FIRST,
)
class SoundOfAnotherType(WithG711):
    sounds: ClassVar[bool] = False

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.payload_type = 0
        return packets


@habit(
    "sound-in-pairs",
    "each packet of AAC has the frame twice, with one time",
    seen="RFC 3640 3.2: several frames a packet",
)
class SoundInPairs(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        if number % 2:
            return []
        for packet in packets:
            frame = packet.payload[4:]
            packet.payload = struct.pack("!HHH", 32, len(frame) << 3 & 0xFFFF, len(frame) << 3 & 0xFFFF) + frame + frame
        return packets


@habit(
    "sound-broken",
    "packets of AAC whose sizes say more than is there, or nothing",
    seen="firmware that cuts packets (Frigate #7384's kin)",
    right=FRAMES_FIRST,
)
class SoundBroken(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            if number % 5 == 0:
                packet.payload = (b"\x00\x10\xff\xf8" + packet.payload[4:], b"\x00", b"\xff\xff", b"\x00\x00")[
                    number // 5 % 4
                ]
        return packets


@habit(
    "two-sounds",
    "the description has a second sound track, of G.726, in front of the first",
    seen="Dahua and Hikvision with two inputs",
    right="the one that can be recorded is",
)
class TwoSounds(WithAac):
    def describe(self, text: str) -> str:
        other = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\na=control:trackID=8\r\n"
        return text.replace("m=audio", other + "m=audio", 1)
