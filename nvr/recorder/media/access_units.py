"""From what FFmpeg's demuxers give, Annex B or NAL units after their lengths, to NAL units. Pure.

Invariant: what came as one NAL unit is one, wherever that can be told. A start code may stand inside of a unit only
where the unit's bytes are not protected against it, which cameras' signatures in SEI units are not always: so such a
unit ends where its own messages do.
"""

from __future__ import annotations

from typing import Final

__all__ = ["length_bytes", "parameter_units", "units_of"]

_CODE: Final = b"\x00\x00\x01"
_PROTECTED: Final = b"\x00\x00\x03"
_H264_SEI: Final = frozenset({6})
_H265_SEI: Final = frozenset({39, 40})
_H264_PROTECTED: Final = frozenset({1, 2, 3, 4, 5, 7, 8})
_H265_PROTECTED: Final = frozenset({*range(32), 32, 33, 34})
# Start codes that are tried as the end of one SEI unit.
_MOST_TRIED: Final = 64


def length_bytes(codec: str, extradata: bytes) -> int:
    """In how many bytes the lengths are that stand before NAL units; 0 if start codes do (ISO/IEC 14496-15 5.3.3.1.2,
    8.3.3.1.2)."""
    at, least = (4, 6) if codec == "h264" else (21, 23)
    return (extradata[at] & 3) + 1 if len(extradata) >= least and extradata[0] == 1 else 0


def parameter_units(codec: str, extradata: bytes) -> list[bytes]:
    """The NAL units of a stream's extradata: those of an ``avcC``, of an ``hvcC``, or Annex B."""
    if not length_bytes(codec, extradata):
        return units_of(codec, extradata, 0)
    found: list[bytes] = []
    at = 5 if codec == "h264" else 23
    arrays = 2 if codec == "h264" else extradata[22]
    for number in range(arrays):
        if codec == "h264":
            count = extradata[at] & (0x1F if number == 0 else 0xFF) if at < len(extradata) else 0
            at += 1
        else:
            count = int.from_bytes(extradata[at + 1 : at + 3], "big")
            at += 3
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            at += 2 + size
            if at > len(extradata) or not size:
                return found
            found.append(extradata[at - size : at])
    return found


def units_of(codec: str, data: bytes, lengths: int) -> list[bytes]:
    """The NAL units of an access unit, whose lengths are in ``lengths`` bytes; or, if that is 0, after start codes."""
    if not lengths:
        return _after_codes(codec, data)
    found: list[bytes] = []
    at = 0
    while at + lengths < len(data):
        size = int.from_bytes(data[at : at + lengths], "big")
        at += lengths + size
        if at > len(data):
            break
        if size:
            found.append(data[at - size : at])
    return found


def _after_codes(codec: str, data: bytes) -> list[bytes]:
    h264 = codec == "h264"
    # Where each start code is, and one for the end.
    codes: list[int] = []
    at = data.find(_CODE)
    while at >= 0:
        codes.append(at)
        at = data.find(_CODE, at + 3)
    found: list[bytes] = []
    number = 0
    while number < len(codes):
        begin = codes[number] + 3
        number += 1
        if begin >= len(data):
            break
        kind = data[begin] & 0x1F if h264 else data[begin] >> 1 & 0x3F
        if kind in (_H264_SEI if h264 else _H265_SEI):
            number = _end_of_sei(data, begin, codes, number, 1 if h264 else 2)
        else:
            # Slices and parameter sets are protected: no start code stands in them, so each ends them, whatever
            # follows.
            held = kind not in (_H264_PROTECTED if h264 else _H265_PROTECTED)
            while held and number < len(codes) and not _is_header(h264, data, codes[number] + 3):
                number += 1
        end = _end(data, codes, number)
        if end - begin >= (1 if h264 else 2):
            found.append(data[begin:end])
    return found


def _end(data: bytes, codes: list[int], number: int) -> int:
    """Where a unit ends before this start code, whose first zero may be one of three."""
    if number >= len(codes):
        return len(data)
    end = codes[number]
    return end - 1 if end and data[end - 1] == 0 else end


def _is_header(h264: bool, data: bytes, at: int) -> bool:
    """Whether a NAL unit can begin here (ITU-T H.264 7.3.1, H.265 7.3.1.2)."""
    if at >= len(data) or data[at] & 0x80:
        return at >= len(data)
    if h264:
        return 0 < data[at] & 0x1F < 24
    return at + 1 < len(data) and data[at + 1] & 7 != 0 and data[at] >> 1 & 0x3F <= 47


def _end_of_sei(data: bytes, begin: int, codes: list[int], number: int, header: int) -> int:
    """At which start code the SEI unit ends: at the first where its messages do; if at none, at the first of all."""
    for tried in range(number, min(number + _MOST_TRIED, len(codes) + 1)):
        unit = data[begin + header : _end(data, codes, tried)]
        if _is_whole(unit) or (_PROTECTED in unit and _is_whole(unit.replace(_PROTECTED, b"\x00\x00"))):
            return tried
    return number


def _is_whole(messages: bytes) -> bool:
    """Whether these bytes are SEI messages with their trailing bits, and nothing else (ITU-T H.264 7.3.2.3.1, D.1)."""
    at, end = 0, len(messages)
    while at < end:
        if at and messages[at:] == b"\x80":
            return True
        for what in range(2):
            value = 0
            while at < end and messages[at] == 0xFF:
                value += 255
                at += 1
            if at >= end:
                return False
            value += messages[at]
            at += 1
            if what == 1:
                at += value
    return end > 0 and at == end
