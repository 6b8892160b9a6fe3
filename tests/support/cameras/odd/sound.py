"""Habits of sound: its times, its descriptions, its refusals. No fault of a sound track may cost a frame."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from nvr.demo.rtsp import DemoRequest, Response
from tests.support.cameras.clips import ClipSpec
from tests.support.cameras.odd.camera import RATE, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp

FRAMES_FIRST = "no frame is lost; sound that can't be had is said once"


def _spec(audio: Any) -> ClipSpec:
    return ClipSpec(frames=900, frame_rate=RATE, group=20, bit_rate_bps=120_000, audio=audio)


class WithAac(Camera):
    """A camera with AAC of 16 kHz."""

    clip_spec = _spec("aac")
    settings: ClassVar[dict[str, Any]] = {"audio": True}
    # Whether sound is expected in the recording.
    sounds: ClassVar[bool] = True


class WithG711(WithAac):
    """A camera with G.711."""

    clip_spec = _spec("pcma")


@habit("plain-aac", "nothing odd, with AAC", seen="a camera of the reference")
class PlainAac(WithAac):
    pass


@habit("plain-g711", "nothing odd, with G.711", seen="a camera of the reference")
class PlainG711(WithG711):
    pass


@habit(
    "sound-times-repeat",
    "every fiftieth frame of AAC has the time of the one before",
    seen="Reolink (Frigate #3373, #7384, #8887)",
    right=FRAMES_FIRST,
)
class SoundTimesRepeat(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp -= 1024 if number % 50 == 49 else 0
        return packets


@habit(
    "sound-steps-back",
    "after 8 s the times of AAC step back by 0.5 s",
    seen="Reolink (Frigate #8887)",
    right=FRAMES_FIRST,
)
class SoundStepsBack(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp -= 8_000 if number > 125 else 0
        return packets


@habit(
    "sound-wanders",
    "the times of AAC are a few samples off",
    seen="Home Assistant core #64295",
)
class SoundWanders(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp += (0, 1, 1, 0, 1, 13)[number % 6]
        return packets


@habit(
    "sound-strays",
    "after 8 s three packets of G.711 stray by 1,500,000,000 each and the rest goes on from there",
    seen="looped streams of VLC",
    right="no fault of a camera's sound ends anything but that sound",
)
class SoundStrays(WithG711):
    alone = True

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp += 1_500_000_000 * max(0, min(3, number - 399))
        return packets


@habit(
    "sound-in-90-khz",
    "G.711 is counted at 90 kHz although the description says 8000",
    seen="firmware with one clock for all tracks",
    right=FRAMES_FIRST,
)
class SoundIn90Khz(WithG711):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp += number * (1_800 - 160)
        return packets


@habit(
    "sound-stamped-zero",
    "every packet of sound has the time stamp 0",
    seen="sources that reset time stamps to 0 (Savant #182)",
    right=FRAMES_FIRST,
)
class SoundStampedZero(WithG711):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp = 0
        return packets


@habit(
    "sound-refused",
    "SETUP of the sound track is answered 500",
    seen="go2rtc #2390",
    right=FRAMES_FIRST,
)
class SoundRefused(WithAac):
    sounds = False

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=1"):
            self.connection.tracks.pop(1, None)
            return Response(500)
        return response


@habit(
    "sound-never-comes",
    "sound is described and set up, and never sent",
    seen="microphones that are switched off",
    right=FRAMES_FIRST,
)
class SoundNeverComes(WithAac):
    sounds = False

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return []


@habit(
    "sound-starts-late",
    "sound begins 6 s after the first frame",
    seen="microphones that are started on demand",
    right=FRAMES_FIRST,
)
class SoundStartsLate(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return packets if number > 94 else []


@habit(
    "sound-of-another-codec",
    "sound is G.726, which no MP4 holds",
    seen="Dahua, Hikvision",
    right=FRAMES_FIRST,
)
class SoundOfAnotherCodec(WithG711):
    sounds = False
    rtpmap = "G726-32/8000"

    def describe(self, text: str) -> str:
        text = text.replace("m=audio 0 RTP/AVP 8", "m=audio 0 RTP/AVP 97")
        return re.sub(r"a=rtpmap:8 PCMA/8000/1", f"a=rtpmap:97 {self.rtpmap}", text)

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.payload_type = 97
        return packets


@habit(
    "sound-opus",
    "sound is Opus",
    seen="restreamers (go2rtc)",
    right=FRAMES_FIRST,
)
class SoundOpus(SoundOfAnotherCodec):
    rtpmap = "opus/48000/2"


@habit(
    "back-channel-first",
    "the ONVIF back channel (a=sendonly) is described before the microphone",
    seen="ONVIF Streaming Specification 5.3",
    right="the microphone is recorded, the back channel is not set up",
)
class BackChannelFirst(WithAac):
    def describe(self, text: str) -> str:
        back = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:trackID=7\r\na=sendonly\r\n"
        return text.replace("m=audio", back + "m=audio", 1) + "a=recvonly\r\n"

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=7"):
            session = request.headers.get("session", "back").partition(";")[0]
            return Response(200, [("Transport", request.headers.get("transport", "")), ("Session", session)])
        return response


@habit(
    "sound-before-video",
    "the description has the sound in front of the video",
    seen="a camera reported to ZoneMinder #2029",
)
class SoundBeforeVideo(WithAac):
    def describe(self, text: str) -> str:
        at, sound_at = text.index("m=video"), text.index("m=audio")
        return text[:at] + text[sound_at:] + text[at:sound_at]


@habit(
    "sound-config-missing",
    "AAC is described without config",
    seen="RFC 3640 4.1 demands what some leave out",
    right=FRAMES_FIRST,
)
class SoundConfigMissing(WithAac):
    sounds = False

    def describe(self, text: str) -> str:
        return re.sub(r";config=[0-9A-F]*", "", text)


@habit(
    "signed-sound",
    "signed video: SEI units that hold a start code, with G.711 beside",
    seen="the test files of ONVIF's media signing framework",
    right="each unit is stored as one, with sound and without",
)
class SignedSound(WithG711):
    exact = True

    def nals(self, number: int, nals: Any) -> list[bytes]:
        body = b"\x00\x5b\xc9\x3f\x2d\x71\x5e\x95\xad\xa4\x79\x6f\x90\x87\x7a\x6f" + number.to_bytes(4)
        body += b"\x11\x00\x00\x01\xff\x33"
        sei = b"\x06\x05" + bytes((len(body),)) + body + b"\x80"
        at = next(i for i, nal in enumerate(nals) if 1 <= nal[0] & 31 <= 5)
        return [*nals[:at], sei, *nals[at:]]


def of_sound(camera: type[Camera]) -> bool:
    """Whether sound is expected in the recording of a camera."""
    return issubclass(camera, WithAac) and camera.sounds
