"""Which earlier pictures a slice of H.265 refers to: the reference picture sets of an SPS and of slice headers
(ITU-T H.265 7.3.2.2, 7.3.6.1, 7.3.7, 7.4.8). Pure."""

from __future__ import annotations

from typing import Final

from nvr.recorder.sources.rtp.bits import Bits
from nvr.recorder.sources.rtp.sps import h265_format

__all__ = ["ReferenceSets"]

_MOST_SETS: Final = 64
_MOST_PICTURES: Final = 16

# Each picture by how much later than this one it is shown, and whether this one itself refers to it: those before it
# first, the nearest in front of each kind.
_Set = list[tuple[int, bool]]


class ReferenceSets:
    """Those of an SPS.

    Raises:
        ValueError: they can't be read.
    """

    def __init__(self, sps: bytes) -> None:
        bits = Bits(sps[2:])
        sublayers, _ = h265_format(bits)
        bits.ue()
        self.reorders = 0
        """How many pictures may be shown after one that is decoded later."""
        for _ in range(sublayers + 1 if bits.flag() else 1):
            bits.ue()
            self.reorders = bits.ue()
            bits.ue()
        for _ in range(6):
            bits.ue()
        if bits.flag() and bits.flag():
            raise ValueError("scaling lists are not read here")
        bits.bits(2)
        if bits.flag():
            bits.bits(8)
            bits.ue()
            bits.ue()
            bits.bits(1)
        count = bits.ue()
        if count > _MOST_SETS:
            raise ValueError("not a number of reference picture sets")
        self._sets: list[_Set] = []
        for number in range(count):
            self._sets.append(self._read(bits, number, count))

    def nearest(self, bits: Bits) -> int:
        """How much earlier the last picture is shown, of those before this one that it refers to; 0 if it refers to
        none. ``bits``: a slice header, right behind ``slice_pic_order_cnt_lsb``.

        Raises:
            ValueError: it can't be read.
        """
        count = len(self._sets)
        if not bits.flag():
            found = self._read(bits, count, count)
        elif count > 1:
            number = bits.bits((count - 1).bit_length())
            if number >= count:
                raise ValueError("there is no such set")
            found = self._sets[number]
        elif count:
            found = self._sets[0]
        else:
            raise ValueError("there is no set")
        return min((-delta for delta, used in found if used and delta < 0), default=0)

    def _read(self, bits: Bits, number: int, count: int) -> _Set:
        if number and bits.flag():
            back = bits.ue() + 1 if number == count else 1
            if back > number:
                raise ValueError("not a reference picture set")
            negative = bits.flag()
            apart = bits.ue() + 1
            return self._predicted(bits, self._sets[number - back], -apart if negative else apart)
        before, behind = bits.ue(), bits.ue()
        if before > _MOST_PICTURES or behind > _MOST_PICTURES:
            raise ValueError("not a reference picture set")
        found: _Set = []
        for sign, pictures in ((-1, before), (1, behind)):
            delta = 0
            for _ in range(pictures):
                delta += sign * (bits.ue() + 1)
                found.append((delta, bits.flag()))
        return found

    def _predicted(self, bits: Bits, of: _Set, apart: int) -> _Set:
        made: _Set = []
        for delta in (*(delta for delta, _ in of), 0):
            used = bits.flag()
            if (used or bits.flag()) and delta + apart:
                made.append((delta + apart, used))
        return [
            *sorted((picture for picture in made if picture[0] < 0), reverse=True),
            *sorted(picture for picture in made if picture[0] > 0),
        ]
