"""More habits of session descriptions: lines that are doubled, cut, out of order or of another character set."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from nvr.demo.rtsp import DemoRequest
from tests.support.cameras.odd.camera import Camera
from tests.support.cameras.odd.habit import habit


@habit(
    "connection-line-doubled",
    "the connection line is c=IN c=IN IP4 0.0.0.0",
    seen="a rebranded Hikvision (MediaMTX #227)",
)
class ConnectionLineDoubled(Camera):
    def describe(self, text: str) -> str:
        return re.sub(r"(?m)^c=.*$", "c=IN c=IN IP4 0.0.0.0\r", text)


@habit(
    "rtpmap-without-rate",
    "rtpmap says H264 and no clock rate",
    seen="FFmpeg takes 90000 then",
    right="the codec has one rate only",
)
class RtpmapWithoutRate(Camera):
    def describe(self, text: str) -> str:
        return text.replace("H264/90000", "H264")


@habit(
    "rtpmap-with-blank",
    "rtpmap ends with a blank, framerate is 0S, Media_header follows with an equals sign",
    seen="Hikvision (moonfire-nvr #213)",
)
class RtpmapWithBlank(Camera):
    def describe(self, text: str) -> str:
        return text.replace("H264/90000", "H264/90000 ") + "a=framerate:0S\r\na=Media_header:MEDIAINFO=494D4B48;\r\n"


@habit(
    "format-before-its-map",
    "fmtp stands before rtpmap, control before both, and fmtp of another payload type between",
    seen="RFC 4566 leaves the order of attributes open",
)
class FormatBeforeItsMap(Camera):
    def describe(self, text: str) -> str:
        lines = text.split("\r\n")
        at = next(n for n, line in enumerate(lines) if line.startswith("m=video"))
        media = [line for line in lines[at + 1 :] if line]
        order = {"a=control": 0, "a=fmtp:9": 1, "a=rtpmap:": 3}
        media.sort(key=lambda line: next((rank for begin, rank in order.items() if line.startswith(begin)), 2))
        media.insert(1, "a=fmtp:97 packetization-mode=2;sprop-parameter-sets=AAAA")
        return "\r\n".join([*lines[: at + 1], *media, ""])


@habit(
    "huge-description",
    "the description has 20 kB of attributes",
    seen="MediaMTX #136: Content-Length exceeds 4096",
)
class HugeDescription(Camera):
    def describe(self, text: str) -> str:
        return text + "".join(f"a=x-vendor-{number}:{'0' * 60}\r\n" for number in range(280))


@habit(
    "ports-in-the-media-line",
    "the media line is m=video 49170/2 RTP/AVPF 96 97, with tabs",
    seen="RFC 4566 5.14; senders of WebRTC gateways",
)
class PortsInTheMediaLine(Camera):
    def describe(self, text: str) -> str:
        return re.sub(r"m=video \d+ RTP/AVP 96", "m=video 49170/2 RTP/AVPF 96 97", text)


@habit(
    "three-sets-described",
    "sprop-parameter-sets has a delimiter and a message beside SPS and PPS",
    seen="encoders that describe all that stands before the first slice",
)
class ThreeSetsDescribed(Camera):
    def describe(self, text: str) -> str:
        sets = (b"\x09\xf0", *self.clip().video.parameter_sets, b"\x06\x05\x01\x00\x80")
        value = ",".join(base64.b64encode(unit).decode() for unit in sets)
        return re.sub(r"sprop-parameter-sets=[^;\r]*", lambda _: f"sprop-parameter-sets={value}", text)


@habit(
    "inactive-video-first",
    "a video track that is inactive stands before the one that plays",
    seen="cameras with a lens that is switched off (panoramic, dual)",
    right="the one that plays is recorded",
)
class InactiveVideoFirst(Camera):
    def describe(self, text: str) -> str:
        off = "m=video 0 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\na=control:trackID=9\r\na=inactive\r\n"
        return text.replace("m=video", off + "m=video", 1)


@habit(
    "name-in-another-alphabet",
    "the session's name is not ASCII, and the description begins with a byte order mark",
    seen="names of cameras are their owners' (Dafang, Tuya)",
)
class NameInAnotherAlphabet(Camera):
    def describe(self, text: str) -> str:
        return "\ufeff" + re.sub(r"(?m)^s=.*$", "s=Jalan Pandanaran – 摄像头\r", text)


@habit(
    "control-with-query",
    "the control attribute is a query: ?trackID=0",
    seen="servers that are scripts",
)
class ControlWithQuery(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        return replace(request, url=request.url.replace("/?x=", ""))

    def describe(self, text: str) -> str:
        return text.replace("a=control:trackID=0", "a=control:?x=/trackID=0")


@habit(
    "quoted-parameters",
    "values in fmtp stand in quotes, and the sets end with a semicolon and a comma",
    seen="cameras that quote all (gortsplib's list of descriptions)",
)
class QuotedParameters(Camera):
    def describe(self, text: str) -> str:
        return re.sub(r"sprop-parameter-sets=([^;\r]*)", r'sprop-parameter-sets="\1,";', text)
