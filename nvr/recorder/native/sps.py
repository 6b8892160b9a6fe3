"""What timestamps can't do without of a sequence parameter set: how far pictures are reordered, and whether they may be two fields. Pure.

ITU-T H.264 7.3.2.1.1 and E.1.1, ITU-T H.265 7.3.2.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["may_have_fields", "reorder_depth"]

_WITH_CHROMA_FORMAT: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_BASELINE: Final = 66
_DEEPEST: Final = 16
_LONGEST_ZEROS: Final = 32


def reorder_depth(codec: str, sets: Iterable[bytes]) -> int | None:
    """How many pictures may precede another in decoding and follow it in output, by the first SPS among the NAL units; None if it does not
    say (or there is none)."""
    for unit in sets:
        try:
            if codec == "h264" and unit[0] & 0x1F == 7:
                return _h264(_Bits(unit[1:]))
            if codec == "hevc" and unit[0] >> 1 & 0x3F == 33:
                return _h265(_Bits(unit[2:]))
        except (IndexError, ValueError):
            return None
    return None


def may_have_fields(unit: bytes) -> bool:
    """Whether pictures of this H.264 SPS may be coded as two fields (``frame_mbs_only_flag`` is 0)."""
    try:
        return not _h264_head(_Bits(unit[1:]))[2]
    except (IndexError, ValueError):
        return False


class _Bits:
    """Reads a payload bit by bit, without its emulation prevention bytes. Past the end: ValueError."""

    def __init__(self, data: bytes) -> None:
        data = data[:1024].replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("the parameter set is too short")
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.bits(1) == 1

    def ue(self) -> int:
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _LONGEST_ZEROS:
                raise ValueError("not an Exp-Golomb number")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        number = self.ue()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def _h264_head(bits: _Bits) -> tuple[int, int, bool]:
    """Profile, picture order count type and ``frame_mbs_only_flag``, with which it ends."""
    profile = bits.bits(8)
    bits.bits(16)
    bits.ue()
    if profile in _WITH_CHROMA_FORMAT:
        chroma = bits.ue()
        if chroma == 3:
            bits.bits(1)
        bits.ue()
        bits.ue()
        bits.bits(1)
        if bits.flag():
            for number in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.ue()
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.bits(1)
        bits.se()
        bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue()
    bits.bits(1)
    bits.ue()
    bits.ue()
    return profile, order, bits.flag()


def _h264(bits: _Bits) -> int | None:
    profile, order, frames_only = _h264_head(bits)
    if not frames_only:
        bits.bits(1)
    bits.bits(1)
    if bits.flag():
        for _ in range(4):
            bits.ue()
    # Order type 2 means that output order is decoding order; Baseline has no B pictures.
    otherwise = 0 if order == 2 or profile == _BASELINE else None
    if not bits.flag():
        return otherwise
    depth = _h264_usability(bits)
    return depth if depth is not None and depth <= _DEEPEST else otherwise


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) & 0xFF
        last = following or last


def _h264_usability(bits: _Bits) -> int | None:
    """``max_num_reorder_frames`` of the usability information."""
    if bits.flag() and bits.bits(8) == 255:
        bits.bits(32)
    if bits.flag():
        bits.bits(1)
    if bits.flag():
        bits.bits(4)
        if bits.flag():
            bits.bits(24)
    if bits.flag():
        bits.ue()
        bits.ue()
    if bits.flag():
        bits.bits(65)
    has_hrd = False
    for _ in range(2):
        if bits.flag():
            has_hrd = True
            count = bits.ue() + 1
            if count > 32:
                raise ValueError("not a buffer description")
            bits.bits(8)
            for _ in range(count):
                bits.ue()
                bits.ue()
                bits.bits(1)
            bits.bits(20)
    if has_hrd:
        bits.bits(1)
    bits.bits(1)
    if not bits.flag():
        return None
    bits.bits(1)
    for _ in range(4):
        bits.ue()
    return bits.ue()


def _h265(bits: _Bits) -> int | None:
    bits.bits(4)
    sublayers = bits.bits(3)
    bits.bits(1)
    bits.bits(88 + 8)
    present = [(bits.flag(), bits.flag()) for _ in range(sublayers)]
    if sublayers:
        bits.bits(2 * (8 - sublayers))
    for profile, level in present:
        bits.bits(88 * profile + 8 * level)
    bits.ue()
    if bits.ue() == 3:
        bits.bits(1)
    bits.ue()
    bits.ue()
    if bits.flag():
        for _ in range(4):
            bits.ue()
    bits.ue()
    bits.ue()
    bits.ue()
    depth = None
    # Given for each sub-layer or for the highest only; the last is the one that counts.
    for _ in range(sublayers + 1 if bits.flag() else 1):
        bits.ue()
        depth = bits.ue()
        bits.ue()
    return depth if depth is not None and depth <= _DEEPEST else None
