"""Reading parameter sets and slice headers bit by bit (ITU-T H.264 7.2, 9.1). Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["Bits"]

_LONGEST_ZEROS: Final = 32


class Bits:
    """Reads a payload bit by bit, without its emulation prevention bytes. Past the end: ValueError."""

    def __init__(self, data: bytes) -> None:
        data = data[:1024].replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """The next ``count`` bits, as a number.

        Raises:
            ValueError: there are not so many left.
        """
        self._left -= count
        if self._left < 0:
            raise ValueError("the parameter set is too short")
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.bits(1) == 1

    def ue(self) -> int:
        """The next Exp-Golomb number, ue(v) (ITU-T H.264 9.1).

        Raises:
            ValueError: there is none.
        """
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _LONGEST_ZEROS:
                raise ValueError("not an Exp-Golomb number")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        number = self.ue()
        return (number + 1) // 2 if number & 1 else -(number // 2)
