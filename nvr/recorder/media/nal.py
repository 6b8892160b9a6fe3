"""NAL units of H.264 and H.265, after start codes (Annex B) or after their lengths (as in MP4): the parameter sets in
front of a picture, and from one form to the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["START_CODE", "annex_b", "parameter_sets", "prefixed_parameter_sets"]

START_CODE: Final = b"\x00\x00\x00\x01"
_SHORT_CODE: Final = b"\x00\x00\x01"
_H264_SETS: Final = frozenset({7, 8, 13, 15})  # SPS, PPS, SPS extension, subset SPS (ITU-T H.264 table 7-1)
_H265_SETS: Final = frozenset({32, 33, 34})  # VPS, SPS, PPS (ITU-T H.265 table 7-1)


def parameter_sets(codec: str, data: bytes) -> tuple[bytes, ...]:
    """The parameter sets in front of the first picture data of an access unit in Annex B form. ``codec`` is ``h264`` or
    ``hevc``."""
    return _sets(codec, data, _after_codes(data))


def prefixed_parameter_sets(codec: str, data: bytes) -> tuple[bytes, ...]:
    """The same of an access unit whose NAL units stand after their lengths in four bytes."""
    return _sets(codec, data, _after_lengths(data))


def annex_b(data: bytes) -> bytes:
    """NAL units that stood after their lengths in four bytes, after start codes."""
    parts: list[bytes] = []
    for begin, end in _after_lengths(data):
        parts += (START_CODE, data[begin:end])
    return b"".join(parts)


def _sets(codec: str, data: bytes, units: Iterator[tuple[int, int]]) -> tuple[bytes, ...]:
    found: list[bytes] = []
    h264 = codec == "h264"
    for begin, end in units:
        kind = data[begin] & 0x1F if h264 else data[begin] >> 1 & 0x3F
        if 1 <= kind <= 5 if h264 else kind < 32:
            break
        if kind in (_H264_SETS if h264 else _H265_SETS):
            found.append(data[begin:end].rstrip(b"\x00"))
    return tuple(found)


def _after_codes(data: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(_SHORT_CODE)
    while 0 <= at < len(data) - 3:
        begin = at + 3
        at = data.find(_SHORT_CODE, begin)
        yield begin, at if at >= 0 else len(data)


def _after_lengths(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 4 < len(data):
        begin = at + 4
        at = begin + int.from_bytes(data[at:begin], "big")
        yield begin, at
