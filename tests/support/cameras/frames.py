"""What one frame is, whoever carries it: the hash of its coded picture data.

The hash covers the VCL NAL units of an access unit, in order, each whole (header and payload) but without start code or
length prefix. So it is the same for Annex B and MP4 samples, with and without parameter sets, SEI and delimiters.
Standard library only, and deliberately not the code that the cameras or the recorder use.
"""

import hashlib
import re
from collections.abc import Iterable

_START_CODE = re.compile(b"\x00\x00\x01")


def split(data: bytes, *, length_prefixed: bool) -> list[bytes]:
    """NAL units of an access unit, length-prefixed (4 bytes) as in MP4, or else Annex B."""
    if length_prefixed:
        units, at = [], 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            if at + 4 + size > len(data):
                raise ValueError(f"the NAL unit at offset {at} is longer than the sample")
            units.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        return [unit for unit in units if unit]
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    return [unit for start, end in zip(starts, ends, strict=True) if (unit := data[start:end].rstrip(b"\x00"))]


def prefixed(*units: bytes) -> bytes:
    """NAL units as MP4 has them: each after its length in four bytes."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def is_vcl(codec: str, nal: bytes) -> bool:
    """Whether a NAL unit is a slice."""
    if codec == "h264":
        return 1 <= nal[0] & 0x1F <= 5
    if codec in ("h265", "hevc"):
        return (nal[0] >> 1) & 0x3F < 32
    raise ValueError(f"no NAL units in {codec}")


def nals_hash(codec: str, nals: Iterable[bytes]) -> str:
    """The hash of a picture given as NAL units: SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    for nal in nals:
        if is_vcl(codec, nal):
            digest.update(nal)
    return digest.hexdigest()


def vcl_hash(codec: str, data: bytes, length_prefixed: bool) -> str:
    """The hash of a picture given as a packet or MP4 sample. `codec`: "h264", "h265" or "hevc"."""
    return nals_hash(codec, split(data, length_prefixed=length_prefixed))


def frame_hash(codec: str, data: bytes, length_prefixed: bool = False) -> str:
    """The hash of any frame: of audio, of its bytes."""
    if codec in ("h264", "h265", "hevc"):
        return vcl_hash(codec, data, length_prefixed)
    return hashlib.sha256(data).hexdigest()
