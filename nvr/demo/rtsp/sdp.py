"""The session description a camera answers DESCRIBE with (RFC 4566, 6184 8.2.1, 7798 7.2.1, 3640 4.1)."""

import base64
from collections.abc import Iterable, Sequence

from .nal import H264_SPS, H265_PPS, H265_SPS, H265_VPS, nal_type
from .stream import Stream

_STATIC_PAYLOAD_TYPES = {"pcmu": 0, "pcma": 8}


def payload_type(stream: Stream, index: int) -> int:
    """The RTP payload type of the `index`-th stream: static for G.711 at 8 kHz mono, else dynamic."""
    if stream.clock_rate == 8000 and stream.channels == 1 and stream.codec in _STATIC_PAYLOAD_TYPES:
        return _STATIC_PAYLOAD_TYPES[stream.codec]
    return 96 + index


def control(index: int) -> str:
    """The control attribute of the `index`-th stream, relative to the content base."""
    return f"trackID={index}"


def describe(streams: Sequence[Stream], name: str, session_id: int, address: str = "127.0.0.1") -> str:
    """The description of a live presentation."""
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 {address}",
        f"s={name}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    for index, stream in enumerate(streams):
        lines += _media(stream, index)
    return "\r\n".join(lines) + "\r\n"


def _media(stream: Stream, index: int) -> list[str]:
    number = payload_type(stream, index)
    encoding, parameters = _format(stream)
    kind = "video" if stream.is_video else "audio"
    lines = [f"m={kind} 0 RTP/AVP {number}", f"a=rtpmap:{number} {encoding}"]
    if parameters:
        lines.append(f"a=fmtp:{number} {';'.join(parameters)}")
    return [*lines, f"a=control:{control(index)}"]


def _format(stream: Stream) -> tuple[str, list[str]]:
    """The rtpmap encoding and the fmtp parameters."""
    sets = stream.parameter_sets
    match stream.codec:
        case "h264":
            parameters = ["packetization-mode=1"]
            sps = next((nal for nal in sets if nal_type("h264", nal) == H264_SPS), None)
            if sps is not None:
                parameters += [f"profile-level-id={sps[1:4].hex().upper()}", f"sprop-parameter-sets={_base64(sets)}"]
            return f"H264/{stream.clock_rate}", parameters
        case "h265":
            by_kind = [
                (name, [nal for nal in sets if nal_type("h265", nal) == kind])
                for name, kind in (("vps", H265_VPS), ("sps", H265_SPS), ("pps", H265_PPS))
            ]
            return f"H265/{stream.clock_rate}", [f"sprop-{name}={_base64(nals)}" for name, nals in by_kind if nals]
        case "aac":
            parameters = ["streamtype=5", "profile-level-id=1", "mode=AAC-hbr"]
            parameters += ["sizelength=13", "indexlength=3", "indexdeltalength=3"]
            parameters += [f"config={config.hex().upper()}" for config in sets[:1]]
            return f"mpeg4-generic/{stream.clock_rate}/{stream.channels}", parameters
        case "pcmu" | "pcma":
            return f"{stream.codec.upper()}/{stream.clock_rate}/{stream.channels}", []


def _base64(nals: Iterable[bytes]) -> str:
    return ",".join(base64.b64encode(nal).decode("ascii") for nal in nals)
