"""Whether a picture of H.264 makes its stream count frames anew, as only memory management may beside IDR pictures
(operation 5; ITU-T H.264 7.3.3, 7.4.3.3). Pure."""

from __future__ import annotations

from typing import Final

from nvr.recorder.sources.rtp.bits import Bits
from nvr.recorder.sources.rtp.sps import OrderCount

__all__ = ["PictureSet"]

_P, _B, _I, _SP = 0, 1, 2, 3
_MOST_OPERATIONS: Final = 66
_MOST_REFERENCES: Final = 32


class PictureSet:
    """What a picture parameter set of H.264 says of slice headers.

    Raises:
        ValueError: it can't be read.
    """

    def __init__(self, unit: bytes) -> None:
        bits = Bits(unit[1:])
        self.number = bits.ue()
        bits.ue()
        bits.bits(1)
        self._has_bottom = bits.flag()
        if bits.ue():
            raise ValueError("slice groups are not read here")
        self._references = bits.ue() + 1, bits.ue() + 1
        self._weighted, self._weighted_both = bits.flag(), bits.bits(2)
        for _ in range(3):
            bits.se()
        bits.bits(2)
        self._is_redundant = bits.flag()

    def counts_anew(self, bits: Bits, slice_type: int, order: OrderCount) -> bool:
        """Whether the picture of this slice does. ``bits``: the slice's header, right behind ``frame_num``; of a frame,
        no IDR picture, that others refer to.

        Raises:
            ValueError: it can't be read.
        """
        if order.kind == 0:
            bits.bits(order.bits)
            if self._has_bottom:
                bits.se()
        elif order.kind == 1 and not order.is_always_zero:
            bits.se()
            if self._has_bottom:
                bits.se()
        if self._is_redundant:
            bits.ue()
        kind = slice_type % 5
        lists = {_P: 1, _SP: 1, _B: 2}.get(kind, 0)
        if kind == _B:
            bits.bits(1)
        counts = list(self._references[:lists])
        if lists and bits.flag():
            counts = [min(bits.ue() + 1, _MOST_REFERENCES) for _ in range(lists)]
        for _ in range(lists):
            if bits.flag():
                self._skip_modification(bits)
        if (self._weighted and lists == 1) or (self._weighted_both == 1 and lists == 2):
            self._skip_weights(bits, counts, order.has_colours)
        return bits.flag() and self._has_restart(bits)

    @staticmethod
    def _skip_modification(bits: Bits) -> None:
        for _ in range(_MOST_OPERATIONS):
            if bits.ue() == 3:
                return
            bits.ue()
        raise ValueError("not a list of references")

    @staticmethod
    def _skip_weights(bits: Bits, counts: list[int], has_colours: bool) -> None:
        bits.ue()
        if has_colours:
            bits.ue()
        for count in counts:
            for _ in range(count):
                for present, values in ((True, 2), (has_colours, 4)):
                    if present and bits.flag():
                        for _ in range(values):
                            bits.se()

    @staticmethod
    def _has_restart(bits: Bits) -> bool:
        for _ in range(_MOST_OPERATIONS):
            operation = bits.ue()
            if operation in (0, 5):
                return operation == 5
            for _ in range(2 if operation == 3 else 1):
                bits.ue()
        raise ValueError("not a list of operations")
