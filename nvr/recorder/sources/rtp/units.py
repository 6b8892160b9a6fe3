"""NAL units as cameras send them where the standards do not have them: start codes in payloads and in parameter sets,
bytes behind the end; and what SEI messages say of decoding. Pure.

A legal NAL unit holds no ``00 00 01`` (ITU-T H.264 7.4.1, H.265 7.4.2.3), so where one stands in a unit of slices or
parameter sets, and what follows looks like a NAL unit, it is a start code. Vendors' SEI messages are not always legal,
and signatures of video must stay as they are: an SEI unit ends where its own messages end, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["is_set", "kind_of", "parameter_units", "picture_set_id", "recovery_frames", "split_units", "starts_stream"]

_CODE: Final = b"\x00\x00\x01"
_RECOVERY_POINT: Final = 6  # ITU-T H.264 D.1.8, H.265 D.2.8
_H264_SETS: Final = frozenset({7, 8, 13, 15})
_H264_KNOWN: Final = frozenset({*range(1, 13), 14, 15, 19, 20})
_H265_SETS: Final = frozenset({32, 33, 34})
_H265_KNOWN: Final = frozenset({*range(10), *range(16, 22), *range(32, 41)})
_LONGEST_ZEROS: Final = 32
# A start code ends within so many bytes.
_MOST_ZEROS: Final = 16


def kind_of(codec: str, unit: bytes | memoryview) -> int:
    """``nal_unit_type``. ``codec`` is ``h264`` or ``hevc``; the unit has a byte at least."""
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def is_set(codec: str, unit: bytes) -> bool:
    """Whether a unit has the header of a parameter set, and something behind it."""
    if codec == "h264":
        return len(unit) > 1 and unit[0] < 0x80 and unit[0] & 0x1F in _H264_SETS
    return len(unit) > 2 and unit[0] < 0x80 and unit[0] >> 1 in _H265_SETS


def starts_stream(data: bytes | memoryview) -> bool:
    """Whether this begins with a start code, as no NAL unit can; zeros may stand in front of it."""
    if len(data) < 4 or data[0] or data[1] or data[2] > 1:
        return False
    return data[2] == 1 or bytes(data[:_MOST_ZEROS]).lstrip(b"\x00")[:1] == b"\x01"


def split_units(codec: str, data: bytes) -> list[bytes]:
    """The NAL units of what was taken for one: most often that one alone. A header that only announces a start code is
    left out, and so are zeros in front of one."""
    found: list[bytes] = []
    header = 1 if codec == "h264" else 2
    begin = _behind_code(data, 0)
    if not begin and starts_stream(data[header : header + 4]):
        # A fragmented unit whose header was made up for a stream of units.
        begin = _behind_code(data, header)
    while True:
        at = _next_code(codec, data, begin)
        if at < 0:
            unit = data[begin:].rstrip(b"\x00") if begin else data
            if unit:
                found.append(unit)
            return found
        unit = data[begin:at].rstrip(b"\x00")
        if unit:
            found.append(unit)
        begin = at + 3


def _behind_code(data: bytes, at: int) -> int:
    """Where what follows a start code at ``at`` begins; ``at`` itself if there is none."""
    if not starts_stream(data[at : at + _MOST_ZEROS]):
        return at
    return data.index(b"\x01", at) + 1


def _next_code(codec: str, data: bytes, begin: int) -> int:
    """Where the first start code behind ``begin`` is that ends the unit there; -1 if none does."""
    if begin >= len(data):
        return -1
    kind = kind_of(codec, data[begin : begin + 1])
    at = begin + 1
    if kind == 6 if codec == "h264" else kind in (39, 40):
        at = _end_of_messages(data, begin + (1 if codec == "h264" else 2))
        if at < 0:
            return -1
    while (at := data.find(_CODE, at)) >= 0:
        if _plausible(codec, data, at + 3):
            return at
        at += 3
    return -1


def _plausible(codec: str, data: bytes, at: int) -> bool:
    """Whether a NAL unit may begin there, or there is nothing more."""
    if at >= len(data):
        return True
    if codec == "h264":
        if at + 1 >= len(data):
            return data[at] & 0x9F in (10, 11)
        kind, importance = data[at] & 0x9F, data[at] & 0x60
        # What must be there has nal_ref_idc, what says nothing of pictures has none (ITU-T H.264 7.4.1).
        return kind in _H264_KNOWN and (
            not importance if kind in (6, 9, 10, 11, 12) else kind not in (5, 7, 8) or importance > 0
        )
    # One layer, forbidden bit and temporal identifier as they must be.
    return at + 1 < len(data) and data[at] & 0x81 == 0 and data[at] >> 1 in _H265_KNOWN and 1 <= data[at + 1] <= 7


def _end_of_messages(data: bytes, at: int) -> int:
    """Where the messages of an SEI unit end (ITU-T H.264 7.3.2.3); -1 if their sizes make no sense. Sizes do not count
    emulation prevention bytes, which vendors leave out."""
    for escaped in (False, True):
        found = _walk_messages(data, at, escaped)
        if found >= 0:
            return found
    return -1


def _walk_messages(data: bytes, at: int, escaped: bool) -> int:
    end = len(data)
    while at + 1 < end and data[at] != 0x80:
        size = 0
        for _ in range(2):
            size = 0
            while at < end and data[at] == 0xFF:
                size += 255
                at += 1
            if at >= end:
                return -1
            size += data[at]
            at += 1
        if not escaped:
            at += size
            continue
        while size > 0 and at < end:
            # The third byte of 00 00 03 is no part of the message.
            at += 1
            size -= 1
            if data[at : at + 1] == b"\x03" and data.endswith(b"\x00\x00", 0, at):
                at += 1
    return at if at < end and data[at] == 0x80 else -1


def recovery_frames(codec: str, unit: bytes | memoryview) -> int:
    """How many frames after the one that an SEI unit belongs to pictures are right again, if it announces a recovery
    point: 0 means from that one on; -1 if it announces none (ITU-T H.264 D.1.8, H.265 D.2.8, where it is a difference
    of picture order counts)."""
    at, end = 1 if codec == "h264" else 2, len(unit)
    while at + 1 < end:
        kind = size = 0
        while at < end and unit[at] == 0xFF:
            kind += 255
            at += 1
        if at >= end:
            return -1
        kind += unit[at]
        at += 1
        while at < end and unit[at] == 0xFF:
            size += 255
            at += 1
        if at >= end:
            return -1
        size += unit[at]
        if kind == _RECOVERY_POINT:
            number = _exp_golomb(bytes(unit[at + 1 : at + 1 + min(size, 8)]))
            return number if codec == "h264" else (number + 1) // 2 if number & 1 else 0
        at += 1 + size
    return -1


def picture_set_id(codec: str, unit: bytes) -> int:
    """The identifier of a picture parameter set, 0 to 255; 0 of other sets."""
    if kind_of(codec, unit) != (8 if codec == "h264" else 34):
        return 0
    return min(255, _exp_golomb(unit[1:9] if codec == "h264" else unit[2:10]))


def _exp_golomb(data: bytes) -> int:
    """The first ue(v) of these bytes; 0 if there is none."""
    bits = 8 * len(data)
    value = int.from_bytes(data, "big")
    zeros = bits - value.bit_length()
    if value == 0 or zeros > _LONGEST_ZEROS or 2 * zeros + 1 > bits:
        return 0
    return (value >> bits - 2 * zeros - 1) - 1


def parameter_units(codec: str, units: Iterable[bytes]) -> tuple[bytes, ...]:
    """The parameter sets among these units as a muxer needs them: each once, in order, without start codes, and without
    zeros behind the end."""
    found: dict[bytes, None] = {}
    for given in units:
        for unit in split_units(
            codec, given.lstrip(b"\x00") if given[:3] == b"\x00\x00\x00" and given[3:4] != b"\x01" else given
        ):
            cut = unit.rstrip(b"\x00")
            if is_set(codec, cut):
                found[cut] = None
    return tuple(found)
