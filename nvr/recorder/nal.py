"""NAL units of H.264 and H.265 in Annex B form: just the parameter sets in front of a keyframe. Pure."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["nal_units", "parameter_sets"]

_H264_SETS = frozenset({7, 8, 13, 15})  # SPS, PPS, SPS extension, subset SPS (ITU-T H.264 table 7-1)
_H265_SETS = frozenset({32, 33, 34})  # VPS, SPS, PPS (ITU-T H.265 table 7-1)


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes, in order, without start codes and trailing zeros."""
    at = data.find(b"\x00\x00\x01")
    while at >= 0:
        begin = at + 3
        at = data.find(b"\x00\x00\x01", begin)
        unit = data[begin : at if at >= 0 else len(data)].rstrip(b"\x00")
        if unit:
            yield unit


def parameter_sets(codec: str, data: bytes) -> tuple[bytes, ...]:
    """The parameter sets in front of the first picture data of an access unit. ``codec`` is ``h264`` or ``hevc``."""
    found: list[bytes] = []
    for unit in nal_units(data):
        if codec == "h264":
            kind = unit[0] & 0x1F
            if 1 <= kind <= 5:
                break
            if kind in _H264_SETS:
                found.append(unit)
        else:
            kind = unit[0] >> 1 & 0x3F
            if kind < 32:
                break
            if kind in _H265_SETS:
                found.append(unit)
    return tuple(found)
