"""Whether frames are missing between two that came, by what their slices say of their order: ``frame_num`` of H.264
(ITU-T H.264 7.4.3), the picture order count of H.265 (ITU-T H.265 7.4.7.1). Pure.

Packets that are missing between two frames may have been frames, or nothing that matters: messages, what a camera
counts and never sends. And frames may be missing although no packet is: a camera dropped them before it counted.
Invariant: ``UNKNOWN``, or no, unless it is sure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Final

from nvr.recorder.sources.rtp.bits import Bits
from nvr.recorder.sources.rtp.marking import PictureSet
from nvr.recorder.sources.rtp.reference_sets import ReferenceSets
from nvr.recorder.sources.rtp.sps import OrderCount, frame_number_bits, order_count, order_count_bits

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
        self._order: OrderCount | None = None
        self._pictures: dict[int, PictureSet] = {}
        self._references: ReferenceSets | None = None
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
            self._order = self._references = None
            with contextlib.suppress(IndexError, ValueError):
                if self._h264:
                    self._order = order_count(unit)
                else:
                    self._references = ReferenceSets(unit)
        elif self._h264 and kind == 8:
            with contextlib.suppress(IndexError, ValueError):
                pictures = PictureSet(unit)
                self._pictures[pictures.number] = pictures
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

    @property
    def tells_skips(self) -> bool:
        """Whether ``skips`` knows anything of this stream: of H.265 only where pictures are shown as they are
        decoded."""
        if self._h264:
            return self._bits > 0 and self._order is not None and self._order.counts_references
        return self._bits > 0 and self._references is not None and self._references.reorders == 0

    def skips(self, last: Mark, now: Mark, most: int) -> bool:
        """Whether frames are missing between ``last`` and ``now`` that others refer to, as ``now``, which is no IDR
        picture, shows. ``most``: as many there may be, by the time that passed."""
        try:
            there, here = self._number(last.head), self._number(now.head)
            size = 1 << self._bits
            if not self._h264:
                return self._refers_between(there, here, size, now)
            further = (here - there - last.reference) % size
            # By so many, or by those behind an IDR picture that is missing too.
            if not further or not (further <= most or 0 < here <= most):
                return False
            return here != 1 or not self._counts_anew(last)
        except (IndexError, ValueError):
            return False

    def _refers_between(self, there: int, here: int, size: int, now: Mark) -> bool:
        """Whether the last picture that one refers to is neither the one before nor any earlier one: pictures are shown
        as they are decoded, and so were counted up to ``there``."""
        if self._references is None:
            return False
        distance = self._references.nearest(self._slice(now.head)[1])
        if not distance or (here - distance - there) % size == 0:
            return False
        step = (here - there) % size
        # Counted on from the one before; or anew, behind an IDR picture that is missing.
        return distance < step < size // 2 or step >= size // 2

    def _counts_anew(self, mark: Mark) -> bool:
        """Whether a picture made its stream count anew, or may have."""
        if mark.head[0] & 0x1F == 5 or not mark.reference:
            return False
        bits = Bits(mark.head[1:])
        bits.ue()
        slice_type, number = bits.ue(), bits.ue()
        bits.bits(2 * self._planes + self._bits)
        pictures = self._pictures.get(number)
        return pictures is None or self._order is None or pictures.counts_anew(bits, slice_type, self._order)

    def _number(self, head: bytes) -> int:
        if self._h264:
            bits = Bits(head[1:])
            bits.ue()
            bits.ue()
            bits.ue()
            bits.bits(2 * self._planes)
            return bits.bits(self._bits)
        return self._slice(head)[0]

    def _slice(self, head: bytes) -> tuple[int, Bits]:
        """The picture order count of an H.265 slice, and what follows it."""
        kind = head[0] >> 1 & 0x3F
        bits = Bits(head[2:])
        bits.bits(1)
        if 16 <= kind < 24:
            bits.bits(1)
        bits.ue()
        bits.bits(self._extra)
        bits.ue()
        bits.bits(self._output + 2 * self._planes)
        return 0 if kind in (19, 20) else bits.bits(self._bits), bits


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
