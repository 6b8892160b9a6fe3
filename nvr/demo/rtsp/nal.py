"""NAL units of H.264 and H.265: splitting a bitstream and telling kinds apart (ITU-T H.264 7.4.1, H.265 7.4.2.2)."""

from collections.abc import Iterable
from typing import Literal

VideoCodec = Literal["h264", "h265"]

H264_IDR = 5
H264_SPS = 7
H264_PPS = 8
H265_VPS = 32
H265_SPS = 33
H265_PPS = 34

_START_CODE = b"\x00\x00\x01"


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream (Annex B), without start codes and without the zero bytes that may trail a
    unit."""
    nals: list[bytes] = []
    begin = data.find(_START_CODE)
    while begin >= 0:
        begin += len(_START_CODE)
        end = data.find(_START_CODE, begin)
        # A NAL unit never ends in 0x00: zeros before a start code belong to it (or are trailing_zero_8bits).
        nal = (data[begin:] if end < 0 else data[begin:end]).rstrip(b"\x00")
        if nal:
            nals.append(nal)
        begin = end
    return nals


def nal_type(codec: VideoCodec, nal: bytes) -> int:
    """nal_unit_type of the unit's header."""
    return nal[0] & 0x1F if codec == "h264" else (nal[0] >> 1) & 0x3F


def is_parameter_set(codec: VideoCodec, nal: bytes) -> bool:
    """Whether the unit is a VPS, SPS or PPS."""
    kind = nal_type(codec, nal)
    return kind in (H264_SPS, H264_PPS) if codec == "h264" else kind in (H265_VPS, H265_SPS, H265_PPS)


def is_keyframe(codec: VideoCodec, nals: Iterable[bytes]) -> bool:
    """Whether an access unit of these units is a random access point (H.264: IDR; H.265: any IRAP)."""
    kinds = (nal_type(codec, nal) for nal in nals)
    return any(kind == H264_IDR if codec == "h264" else 16 <= kind <= 23 for kind in kinds)


def parameter_sets(codec: VideoCodec, nals: Iterable[bytes]) -> tuple[bytes, ...]:
    """The parameter sets among these units, in order."""
    return tuple(nal for nal in nals if is_parameter_set(codec, nal))
