"""Siblings of the habits of sound: formats that no file holds or that are described wrongly, SETUP that is never
answered, holes."""

from __future__ import annotations

import re
import struct

from nvr.demo.rtsp import DemoRequest, Response
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp
from tests.support.cameras.odd.sound import FRAMES_FIRST, SoundOfAnotherCodec, WithAac, WithG711


@habit("sound-g722", "sound is G.722", seen="door stations, cameras for telephone systems", right=FRAMES_FIRST)
class SoundG722(SoundOfAnotherCodec):
    rtpmap = "G722/8000"


@habit("sound-l16", "sound is uncompressed (L16)", seen="Axis, encoders for studios", right=FRAMES_FIRST)
class SoundL16(SoundOfAnotherCodec):
    rtpmap = "L16/16000"


@habit(
    "sound-adts",
    "each access unit of AAC begins with an ADTS header, which RFC 3640 has no place for",
    seen="firmware that sends what its encoder gives (androidx/media #1331's kin)",
    right=FRAMES_FIRST,
)
class SoundAdts(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            frame = packet.payload[4:]
            size = len(frame) + 7
            head = bytes((0xFF, 0xF1, 0x60, 0x40 | size >> 11, size >> 3 & 0xFF, size << 5 & 0xE0 | 0x1F, 0xFC))
            packet.payload = struct.pack("!HH", 16, size << 3) + head + frame
        return packets


@habit(
    "sound-config-of-another-rate",
    "AAC's config says 48 kHz, the map and the stamps 16 kHz",
    seen="Foscam, Reolink (Frigate #3373's kin)",
    right=FRAMES_FIRST,
)
class SoundConfigOfAnotherRate(WithAac):
    def describe(self, text: str) -> str:
        return re.sub(r"config=[0-9A-Fa-f]+", "config=1188", text)


@habit(
    "sound-setup-refused-454",
    "SETUP of the sound track is answered 454",
    seen="cameras that want each track in a session of its own",
    right=FRAMES_FIRST,
)
class SoundSetupRefused454(WithG711):
    sounds = False

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=1"):
            self.connection.tracks.pop(1, None)
            return Response(454)
        return response


@habit(
    "sound-setup-unanswered",
    "SETUP of the sound track is never answered",
    seen="as sound-hangs-up, of firmware that waits for its microphone",
    right=FRAMES_FIRST,
)
class SoundSetupUnanswered(WithG711):
    sounds = False
    reconnects = True

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("trackID=1"):
            self.connection.tracks.pop(1, None)
            return b""
        return response


@habit(
    "sound-with-holes",
    "every 6 s sound is left out for 2 s; its times go on as if it had come",
    seen="microphones with silence suppression",
    right="every frame is recorded; sound keeps its time",
)
class SoundWithHoles(WithG711):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return [] if number % 300 >= 200 else packets


@habit(
    "sound-jumps-ahead",
    "every 5 s the times of AAC jump 20 s ahead",
    seen="as sound-steps-back, the other way round (Frigate #8887)",
    right=FRAMES_FIRST,
)
class SoundJumpsAhead(WithAac):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.timestamp += number // 78 * 320_000
        return packets


@habit(
    "sound-of-two-sources",
    "after 6 s sound goes on under another SSRC, with other times and numbers",
    seen="as new-ssrc, of a microphone that was set anew",
    right=FRAMES_FIRST,
)
class SoundOfTwoSources(WithG711):
    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            if number >= 300:
                packet.ssrc ^= 0x5555
                packet.timestamp += 77_777_777
                packet.sequence = (packet.sequence or 0) + 20_000 & 0xFFFF
        return packets


def latm_config(rate_index: int = 8, channels: int = 1) -> str:
    """StreamMuxConfig of AAC-LC, a frame a packet (ISO/IEC 14496-3 1.7.3.2): version 0, one program, one layer, the
    AudioSpecificConfig, frameLengthType 0, a full buffer, no other data, no CRC."""
    bits = "0" + "1" + "000000" + "0000" + "000" + "00010" + f"{rate_index:04b}" + f"{channels:04b}" + "000"
    bits += "000" + "1" * 8 + "0" + "0"
    bits += "0" * (-len(bits) % 8)
    return f"{int(bits, 2):0{len(bits) // 4}x}"


@habit(
    "sound-latm",
    "AAC comes as LATM (MP4A-LATM, cpresent=0)",
    seen="phones, Vivotek, encoders of 3GPP (RFC 6416)",
    right="FFmpeg reads the camera, sound and all",
)
class SoundLatm(WithAac):
    sources = ("auto", "av")
    in_band = 0

    def describe(self, text: str) -> str:
        text = re.sub(r"mpeg4-generic/16000(/1)?", "MP4A-LATM/16000/1", text, flags=re.IGNORECASE)
        fmtp = f"profile-level-id=15;cpresent={self.in_band};object=2"
        fmtp += "" if self.in_band else f";config={latm_config()}"
        return re.sub(r"(a=fmtp:9[0-9] )[^\r\n]*mode=AAC-hbr[^\r\n]*", rf"\g<1>{fmtp}", text, flags=re.IGNORECASE)

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            frame = packet.payload[4:]
            packet.payload = b"\xff" * (len(frame) // 255) + bytes((len(frame) % 255,)) + frame
        return packets


@habit(
    "sound-latm-in-band",
    "AAC comes as LATM whose configuration is in the packets (cpresent=1), which FFmpeg does not read",
    seen="RFC 6416 5.3; no camera known",
    right=FRAMES_FIRST,
)
class SoundLatmInBand(SoundLatm):
    sources = ("native", "av")
    sounds = False
    in_band = 1
