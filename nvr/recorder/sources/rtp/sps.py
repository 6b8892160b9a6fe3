"""What timestamps can't do without of a sequence parameter set: how far pictures are reordered, and whether they may be
two fields. Pure.

ITU-T H.264 7.3.2.1.1 and E.1.1, ITU-T H.265 7.3.2.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nvr.recorder.sources.rtp.bits import Bits

__all__ = [
    "OrderCount",
    "frame_number_bits",
    "h265_format",
    "may_have_fields",
    "order_count",
    "order_count_bits",
    "reorder_depth",
]

_WITH_CHROMA_FORMAT: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_BASELINE: Final = 66
_DEEPEST: Final = 16


def reorder_depth(codec: str, sets: Iterable[bytes]) -> int | None:
    """How many pictures may precede another in decoding and follow it in output, by the first SPS among the NAL units;
    None if it does not say (or there is none)."""
    for unit in sets:
        try:
            if codec == "h264" and unit[0] & 0x1F == 7:
                return _h264(Bits(unit[1:]))
            if codec == "hevc" and unit[0] >> 1 & 0x3F == 33:
                return _h265(Bits(unit[2:]))
        except (IndexError, ValueError):
            return None
    return None


def may_have_fields(unit: bytes) -> bool:
    """Whether pictures of this H.264 SPS may be coded as two fields (``frame_mbs_only_flag`` is 0)."""
    try:
        return not _h264_head(Bits(unit[1:]))[2]
    except (IndexError, ValueError):
        return False


def frame_number_bits(unit: bytes) -> tuple[int, int]:
    """How many bits ``frame_num`` has by this H.264 SPS, and whether slices say of which colour plane they are.

    Raises:
        ValueError: it can't be read.
    """
    bits = Bits(unit[1:])
    planes = _h264_format(bits)[1]
    return _checked(bits.ue() + 4), planes


@dataclass(frozen=True, slots=True)
class OrderCount:
    """What an H.264 SPS says of the order of frames: ``pic_order_cnt_type`` and what of it slices have: so many bits,
    or nothing, if ``is_always_zero``. ``counts_references``: ``frame_num`` rises by one with each frame that others
    refer to: gaps are not allowed, and no picture is a field. ``has_colours``: slices have three planes."""

    kind: int
    bits: int
    is_always_zero: bool
    counts_references: bool
    has_colours: bool


def order_count(unit: bytes) -> OrderCount:
    """Of this H.264 SPS.

    Raises:
        ValueError: it can't be read.
    """
    return _h264_head(Bits(unit[1:]))[1]


def order_count_bits(unit: bytes) -> tuple[int, int]:
    """How many bits ``slice_pic_order_cnt_lsb`` has by this H.265 SPS, and whether slices say of which colour plane
    they are.

    Raises:
        ValueError: it can't be read.
    """
    bits = Bits(unit[2:])
    _, planes = h265_format(bits)
    return _checked(bits.ue() + 4), planes


def _checked(count: int) -> int:
    if not 4 <= count <= 16:
        raise ValueError("not a number of bits")
    return count


def _h264_format(bits: Bits) -> tuple[int, int, bool]:
    """Profile, ``separate_colour_plane_flag`` and whether slices have three planes, up to
    ``log2_max_frame_num_minus4``."""
    planes, chroma = 0, 1
    profile = bits.bits(8)
    bits.bits(16)
    bits.ue()
    if profile in _WITH_CHROMA_FORMAT:
        chroma = bits.ue()
        if chroma == 3:
            planes = bits.bits(1)
        bits.ue()
        bits.ue()
        bits.bits(1)
        if bits.flag():
            for number in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    return profile, planes, chroma > 0 and not planes


def _h264_head(bits: Bits) -> tuple[int, OrderCount, bool]:
    """Profile, order of frames and ``frame_mbs_only_flag``, with which it ends."""
    profile, _, has_colours = _h264_format(bits)
    bits.ue()
    order, count, is_always_zero = bits.ue(), 0, False
    if order == 0:
        count = bits.ue() + 4
    elif order == 1:
        is_always_zero = bits.flag()
        bits.se()
        bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue()
    gaps_allowed = bits.flag()
    bits.ue()
    bits.ue()
    frames_only = bits.flag()
    return profile, OrderCount(order, count, is_always_zero, frames_only and not gaps_allowed, has_colours), frames_only


def _h264(bits: Bits) -> int | None:
    profile, order, frames_only = _h264_head(bits)
    if not frames_only:
        bits.bits(1)
    bits.bits(1)
    if bits.flag():
        for _ in range(4):
            bits.ue()
    # Order type 2 means that output order is decoding order; Baseline has no B pictures.
    otherwise = 0 if order.kind == 2 or profile == _BASELINE else None
    if not bits.flag():
        return otherwise
    depth = _h264_usability(bits)
    return depth if depth is not None and depth <= _DEEPEST else otherwise


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) & 0xFF
        last = following or last


def _h264_usability(bits: Bits) -> int | None:
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


def h265_format(bits: Bits) -> tuple[int, int]:
    """Sub-layers but one and ``separate_colour_plane_flag``, up to ``log2_max_pic_order_cnt_lsb_minus4``."""
    planes = 0
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
        planes = bits.bits(1)
    bits.ue()
    bits.ue()
    if bits.flag():
        for _ in range(4):
            bits.ue()
    bits.ue()
    bits.ue()
    return sublayers, planes


def _h265(bits: Bits) -> int | None:
    sublayers, _ = h265_format(bits)
    bits.ue()
    depth = None
    # Given for each sub-layer or for the highest only; the last is the one that counts.
    for _ in range(sublayers + 1 if bits.flag() else 1):
        bits.ue()
        depth = bits.ue()
        bits.ue()
    return depth if depth is not None and depth <= _DEEPEST else None
