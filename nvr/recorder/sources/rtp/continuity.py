"""Whether frames are missing between two that came, by what their slices say of their order: ``frame_num`` of H.264
(ITU-T H.264 7.4.3), the picture order count of H.265 (ITU-T H.265 7.4.7.1). Pure.

Packets that are missing between two frames may have been frames, or nothing that matters: messages, what a camera
counts and never sends. Invariant: ``UNKNOWN`` unless it is sure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from nvr.recorder.sources.rtp.bits import Bits
from nvr.recorder.sources.rtp.sps import frame_number_bits, order_count_bits

__all__ = ["HEAD_BYTES", "NONE", "UNKNOWN", "UNREFERENCED", "Continuity", "Mark", "same_picture"]

UNKNOWN, NONE, UNREFERENCED = 0, 1, 2
"""What is missing: who knows; no frame; at most frames that no other refers to."""

HEAD_BYTES: Final = 24
# A frame that comes so many usual distances after another has none between them.
_NEXT: Final = 1.5
# Numbers repeat: within so many usual distances they can't have.
_NEAR: Final = 8
_LAST_SLICE_TYPE: Final = 9


class Mark:
    """Of a frame: the beginning of its first slice with the unit's header, its timestamp, and whether others refer to
    it."""

    __slots__ = ("head", "reference", "timestamp")

    def __init__(self, head: bytes, timestamp: int, reference: bool) -> None:
        self.head = head
        self.timestamp = timestamp
        self.reference = reference


class Continuity:
    """Of one stream. ``sets``: its parameter sets, of which the last counts."""

    def __init__(self, codec: str, sets: Iterable[bytes]) -> None:
        self._h264 = codec == "h264"
        self._bits = 0
        self._extra = self._output = self._planes = 0
        for unit in sets:
            try:
                self._read(unit)
            except (IndexError, ValueError):
                self._bits = 0

    def _read(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F if self._h264 else unit[0] >> 1 & 0x3F
        if kind == (7 if self._h264 else 33):
            read = frame_number_bits if self._h264 else order_count_bits
            self._bits, self._planes = read(unit)
        elif not self._h264 and kind == 34:
            bits = Bits(unit[2:])
            bits.ue()
            bits.ue()
            bits.bits(1)
            self._output, self._extra = bits.bits(1), bits.bits(3)

    def missing(self, before: Mark, last: Mark, now: Mark) -> int:
        """What is missing between ``last`` and ``now``; between ``before`` and ``last`` nothing was."""
        step, usual = _step(last.timestamp, now.timestamp), _step(before.timestamp, last.timestamp)
        if usual <= 0 or abs(step) > _NEAR * usual or not self._bits:
            return UNKNOWN
        follows = 0 < step <= _NEXT * usual
        try:
            there, here = self._number(last.head), self._number(now.head)
            size = 1 << self._bits
            if self._h264:
                if here != (there + last.reference) % size:
                    return UNKNOWN
                return NONE if follows else UNREFERENCED
            distance = (there - self._number(before.head)) % size
            return NONE if follows and 0 < distance == (here - there) % size else UNKNOWN
        except (IndexError, ValueError):
            return UNKNOWN

    def _number(self, head: bytes) -> int:
        if self._h264:
            bits = Bits(head[1:])
            bits.ue()
            bits.ue()
            bits.ue()
            bits.bits(2 * self._planes)
            return bits.bits(self._bits)
        kind = head[0] >> 1 & 0x3F
        bits = Bits(head[2:])
        bits.bits(1)
        if 16 <= kind < 24:
            bits.bits(1)
        bits.ue()
        bits.bits(self._extra)
        bits.ue()
        bits.bits(self._output + 2 * self._planes)
        if kind in (19, 20):
            return 0
        return bits.bits(self._bits)


def same_picture(codec: str, first: bytes, other: bytes) -> bool:
    """Whether what begins so looks like a slice of the stream that the ``first`` slice is of: a type that exists, and
    the same picture parameter set (ITU-T H.264 7.3.3, H.265 7.3.6.1)."""
    try:
        return _picture_set(codec, first) == _picture_set(codec, other)
    except ValueError:
        return False


def _picture_set(codec: str, head: bytes) -> int:
    if codec == "h264":
        bits = Bits(head[1:])
        bits.ue()
        if bits.ue() > _LAST_SLICE_TYPE:
            return -1
        return bits.ue()
    bits = Bits(head[2:])
    bits.bits(1)
    if 16 <= head[0] >> 1 & 0x3F < 24:
        bits.bits(1)
    return bits.ue()


def _step(a: int, b: int) -> int:
    step = b - a & 0xFFFFFFFF
    return step if step < 0x80000000 else step - 0x100000000
