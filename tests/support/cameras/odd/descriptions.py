"""Habits of session descriptions: parameter sets that are absent or wrong, odd lines, several tracks."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from nvr.demo.rtsp import DemoRequest
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.odd.camera import H265, RATE, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.units import is_set

_SPROP = re.compile(r"sprop-parameter-sets=[^;\r]*")
_IN_SDP = ClipSpec(frames=900, frame_rate=RATE, group=20, bit_rate_bps=120_000, in_band=False)
_IN_SDP_H265 = ClipSpec(codec="h265", frames=900, frame_rate=RATE, group=20, bit_rate_bps=120_000, in_band=False)


def coded(*sets: bytes) -> str:
    """Parameter sets as an fmtp line has them."""
    return ",".join(base64.b64encode(nal).decode() for nal in sets)


@habit(
    "sets-only-described",
    "the parameter sets stand in the description alone",
    seen="the way of the first H.264 cameras (RFC 6184 8.2.1)",
)
class SetsOnlyDescribed(Camera):
    clip_spec = _IN_SDP


@habit(
    "sets-only-described-h265",
    "H.265: the parameter sets stand in the description alone",
    seen="as sets-only-described",
)
class SetsOnlyDescribedH265(Camera):
    clip_spec = _IN_SDP_H265


@habit(
    "described-with-start-codes",
    "the parameter sets stand in the description alone, with start codes in front",
    seen="v4l2rtspserver #32: the sets' search for start codes fails",
    right="they are normalised wherever they come from",
)
class DescribedWithStartCodes(Camera):
    clip_spec = _IN_SDP

    def describe(self, text: str) -> str:
        sets = (b"\0\0\0\1" + nal for nal in self.clip().video.parameter_sets)
        return _SPROP.sub(lambda _: f"sprop-parameter-sets={coded(*sets)}", text)


@habit(
    "described-in-half",
    "the description has the SPS, a comma and nothing",
    seen="kerberos.io agent #105, MediaMTX #861",
)
class DescribedInHalf(Camera):
    def describe(self, text: str) -> str:
        sps = self.clip().video.parameter_sets[0]
        return _SPROP.sub(lambda _: f"sprop-parameter-sets={coded(sps)},", text)


@habit(
    "described-wrongly",
    "the description's parameter sets are junk, good ones come in band",
    seen="VStarcam (Retina #41, #42)",
)
class DescribedWrongly(Camera):
    def describe(self, text: str) -> str:
        junk = coded(b"\xe9\x01\x02\x03", b"\xff\xfe\x00\x11\x22")
        return _SPROP.sub(lambda _: f"sprop-parameter-sets={junk}", text)


@habit(
    "described-otherwise",
    "the description's parameter sets are of another size of picture than the stream's",
    seen="no report known; a description that is that of another profile",
    right="those in band win",
)
class DescribedOtherwise(Camera):
    def describe(self, text: str) -> str:
        other = clip(ClipSpec(frames=4, frame_rate=RATE, width=640, height=352)).video.parameter_sets
        return _SPROP.sub(lambda _: f"sprop-parameter-sets={coded(*other)}", text)


@habit(
    "not-described",
    "no parameter sets in the description, the first keyframe comes 6 s after PLAY",
    seen="Hikvision (SharpRTSPtoWebRTC #17: no sprop-parameter-sets)",
)
class NotDescribed(Camera):
    clip_spec = ClipSpec(frames=900, frame_rate=RATE, group=100, bit_rate_bps=120_000)
    begins_at_s = 4.0

    def describe(self, text: str) -> str:
        return re.sub(r";profile-level-id=[^\r]*", "", text)


@habit(
    "shortest-description",
    "a description of three lines without fmtp, beside it sound of payload type (null)",
    seen="go2rtc #679, MediaMTX #5846, rtsp-client-android #90",
)
class ShortestDescription(Camera):
    def describe(self, text: str) -> str:
        lines = ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:trackID=0"]
        return "\r\n".join([*lines, "m=audio 0 RTP/AVP (null)", "a=rtpmap", ""])


@habit(
    "lower-case-encoding",
    "rtpmap says h264/90000, fmtp has spaces and PACKETIZATION-MODE",
    seen="names are case-insensitive (RFC 4855 3)",
)
class LowerCaseEncoding(Camera):
    def describe(self, text: str) -> str:
        text = text.replace("H264/90000", "h264/90000").replace(";", " ; ")
        return text.replace("packetization-mode", "PACKETIZATION-MODE")


@habit(
    "wrong-profile",
    "profile-level-id says 000000",
    seen="OpenIPC on XM530 (OpenIPC firmware #1425: profile_level_id 000000)",
)
class WrongProfile(Camera):
    def describe(self, text: str) -> str:
        return re.sub("profile-level-id=[0-9A-F]{6}", "profile-level-id=000000", text)


@habit(
    "description-with-bare-line-ends",
    "lines end with LF alone, some with blanks and tabs before it, one is empty, NUL bytes follow the last",
    seen=(
        "VStarcam (sdp-types #7: a tab, empty lines at the end), a camera with \\n\\r\\n (ireader media-server #263),"
        " Bambu Lab X1 (androidx/media #2357)"
    ),
)
class DescriptionWithBareLineEnds(Camera):
    def describe(self, text: str) -> str:
        lines = text.replace("\r\n", "\n").split("\n")
        return "\n".join([*lines[:3], "b=AS:5000 \t", "", *lines[3:]]) + "\0\0"


@habit(
    "description-with-odd-lines",
    "bandwidth, e-mail, telephone, vendor attributes, framerate:0, x-dimensions, a key line,"
    " an attribute without a value",
    seen=(
        "Anpviz (Retina #26: an attribute in front of t=), H3C (go2rtc #1663: c=IN and no more),"
        " Samsung (cameradar #199)"
    ),
)
class DescriptionWithOddLines(Camera):
    def describe(self, text: str) -> str:
        text = text.replace(
            "t=0 0", "e=NONE\r\np=+62 24\r\nb=AS:5100\r\nk=clear:x\r\nt=0 0\r\na=x-qt-text-nam:\r\na=tool"
        )
        return text.rstrip() + (
            "\r\na=framerate:0\r\na=x-dimensions:0,0\r\na=Media_header:MEDIAINFO=494D4B48010100000400010000\r\n"
            "a=appversion:1.0\r\na=recvonly\r\n"
        )


@habit(
    "description-without-last-line-end",
    "the last line of the description does not end",
    seen="Scrypted as a restreamer (thingino-firmware #1621)",
)
class DescriptionWithoutLastLineEnd(Camera):
    def describe(self, text: str) -> str:
        return text.rstrip()


@habit(
    "vendor-media",
    "a third media line of a kind and format of the vendor's own: m=application/TP-LINK 0 RTP/AVP smart/1/90000",
    seen="TP-Link (androidx/media #1472)",
    right="it is ignored",
)
class VendorMedia(Camera):
    def describe(self, text: str) -> str:
        lines = ["m=application/TP-LINK 0 RTP/AVP smart/1/90000", "a=rtpmap:95 TP-LINK/90000", "a=control:track3", ""]
        return text + "\r\n".join(lines)


@habit(
    "half-an-address",
    "the connection line is c=IN and no more, the origin line has no address, an attribute stands before t=",
    seen="H3C (go2rtc #1663), Anpviz (Retina #26)",
)
class HalfAnAddress(Camera):
    def describe(self, text: str) -> str:
        text = re.sub(r"o=[^\r]*", "o=- 1001 1 IN", text).replace("c=IN IP4 0.0.0.0", "c=IN")
        return text.replace("t=0 0", "a=tool:LIVE555\r\nt=0 0")


@habit(
    "metadata-first",
    "the description begins with an ONVIF metadata track",
    seen="H3C and Samsung have such a track (go2rtc #1663, cameradar #199)",
    right="the video track is recorded, whichever comes first",
)
class MetadataFirst(Camera):
    def describe(self, text: str) -> str:
        metadata = (
            "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=9\r\n"
            "a=recvonly\r\n"
        )
        return text.replace("m=video", metadata + "m=video", 1)


@habit(
    "two-video-tracks",
    "the description has a second video track of another size",
    seen="servers with main and sub stream in one description (GStreamer)",
    right="the first is recorded",
)
class TwoVideoTracks(Camera):
    @classmethod
    @functools.cache
    def clip(cls) -> Clip:
        first = clip(cls.clip_spec)
        return replace(first, tracks=(first.video, clip(_SMALL).video))


_SMALL = ClipSpec(frames=900, frame_rate=RATE, group=20, width=160, height=96, bit_rate_bps=60_000)


@habit(
    "several-payload-types",
    "the m= line offers three payload types, the first is used",
    seen="RFC 4566 5.14 allows it; WebRTC gateways",
)
class SeveralPayloadTypes(Camera):
    def describe(self, text: str) -> str:
        return text.replace("RTP/AVP 96\r\n", "RTP/AVP 96 97 98\r\n", 1) + "a=rtpmap:97 H264/90000\r\n"


@habit(
    "no-control",
    "the description has no control attribute at all",
    seen="RFC 2326 C.1.1: the URL itself is meant",
)
class NoControl(Camera):
    def describe(self, text: str) -> str:
        return re.sub(r"a=control:[^\r]*\r\n", "", text)

    def asked(self, request: DemoRequest) -> DemoRequest:
        if request.method == "SETUP" and "trackID" not in request.url:
            return replace(request, url=request.url.rstrip("/") + "/trackID=0")
        return request


@habit(
    "absolute-control",
    "control attributes are whole URLs",
    seen="a camera reported to ZoneMinder #2029, H3C (go2rtc #1663)",
)
class AbsoluteControl(Camera):
    control: ClassVar[str] = ""

    def describe(self, text: str) -> str:
        base = self.connection.server.url(self.path)
        return text.replace("a=control:*", f"a=control:{base}/").replace("a=control:track", f"a=control:{base}/track")


@habit(
    "control-of-another-address",
    "control attributes are whole URLs with the camera's address behind a router",
    seen=(
        "cameras behind a router that translates addresses; FFmpeg keeps the connection and sends the URL as it stands"
    ),
)
class ControlOfAnotherAddress(AbsoluteControl):
    def describe(self, text: str) -> str:
        return super().describe(text).replace(self.connection.server.host, "192.168.1.64")


@habit(
    "sets-not-repeated",
    "the parameter sets come in band once, before the first frame, and are not described",
    seen="hardware encoders without inline headers (Raspberry Pi)",
    right="they are kept for the keyframes that follow",
)
class SetsNotRepeated(Camera):
    sent = False

    def describe(self, text: str) -> str:
        return re.sub(r";profile-level-id=[^\r]*", "", text)

    def nals(self, number: int, nals: Sequence[bytes]) -> list[bytes]:
        if not self.sent:
            self.sent = True
            sets = self.clip().video.parameter_sets
            return [*sets, *(nal for nal in nals if not is_set(nal))]
        return [nal for nal in nals if not is_set(nal)]


@habit(
    "plain-h265",
    "nothing odd, H.265",
    seen="a camera of the reference",
)
class PlainH265(Camera):
    clip_spec = H265
