"""NAL units of H.264 and H.265 in Annex B form: just the parameter sets in front of a keyframe. Pure."""

from __future__ import annotations

__all__ = ["parameter_sets"]

_START_CODE = b"\x00\x00\x01"
_H264_SETS = frozenset({7, 8, 13, 15})  # SPS, PPS, SPS extension, subset SPS (ITU-T H.264 table 7-1)
_H265_SETS = frozenset({32, 33, 34})  # VPS, SPS, PPS (ITU-T H.265 table 7-1)


def parameter_sets(codec: str, data: bytes | bytearray) -> tuple[bytes, ...]:
    """The parameter sets in front of the first picture data of an access unit. ``codec`` is ``h264`` or ``hevc``."""
    found: list[bytes] = []
    h264 = codec == "h264"
    at = data.find(_START_CODE)
    while 0 <= at < len(data) - 3:
        begin = at + 3
        kind = data[begin] & 0x1F if h264 else data[begin] >> 1 & 0x3F
        if 1 <= kind <= 5 if h264 else kind < 32:
            break
        at = data.find(_START_CODE, begin)
        if kind in (_H264_SETS if h264 else _H265_SETS):
            found.append(bytes(data[begin : at if at >= 0 else len(data)]).rstrip(b"\x00"))
    return tuple(found)
