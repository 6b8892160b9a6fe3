"""What the relay puts in front of frames on their way through FFmpeg, to know them again behind it: an SEI unit of user
data (ITU-T H.264 D.1.7, H.265 D.2.7) with an identity that no camera knows. Pure."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from nvr.recorder.media.packets import LOSSES

__all__ = ["FrameMark", "Marked"]

_SEI: Final = {"h264": b"\x06", "hevc": b"\x4e\x01"}
_IDENTITY_BYTES: Final = 16
# Seven bits a byte: without zeros a unit needs no protection.
_NUMBER_BYTES: Final = 5


class Marked(NamedTuple):
    """``number``: of a frame that the relay put together; 0: from here on frames are as FFmpeg reads them, and before
    this one others are missing (``loss``, a word of ``LOSSES``). ``at``: where the mark's unit begins, with its start
    code of three bytes."""

    number: int
    loss: str
    at: int


class FrameMark:
    """The marks of one connection."""

    def __init__(self) -> None:
        self._identity = bytes(1 + secrets.randbelow(255) for _ in range(_IDENTITY_BYTES))
        size = _IDENTITY_BYTES + _NUMBER_BYTES + 1
        self._begin = bytes((5, size)) + self._identity

    def unit(self, codec: str, number: int, loss: str = "") -> bytes:
        """The unit for a frame of this number, or, if that is 0, for all that follow."""
        digits = bytes(0x80 | number >> 7 * place & 0x7F for place in range(_NUMBER_BYTES))
        return _SEI[codec] + self._begin + digits + bytes((LOSSES.index(loss) + 1, 0x80))

    def size(self, codec: str) -> int:
        """Bytes of a mark with its start code."""
        return 3 + len(_SEI[codec]) + len(self._begin) + _NUMBER_BYTES + 2

    def find(self, codec: str, data: bytes) -> list[Marked]:
        """The marks in what FFmpeg gave out, which is Annex B."""
        found: list[Marked] = []
        at = data.find(self._begin)
        while at >= 0:
            end = at + len(self._begin) + _NUMBER_BYTES
            if end < len(data):
                number = sum((byte & 0x7F) << 7 * n for n, byte in enumerate(data[end - _NUMBER_BYTES : end]))
                loss = data[end] - 1
                begin = at - len(_SEI[codec]) - 3
                found.append(Marked(number, LOSSES[loss] if 0 <= loss < len(LOSSES) else "", begin))
            at = data.find(self._begin, at + 1)
        return found
