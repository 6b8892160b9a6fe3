"""Interleaved NAL units (RFC 6184 5.5 and 7.2, packetization-mode 2; RFC 7798 6, ``sprop-depack-buf-nalus``): taken out
of their packets, each with its decoding order number and its time, and put in order. Pure.

Packets come in another order than their units are decoded in, so a unit waits until as many came as the description
says may come before their turn, and, where one before it is missing although no packet is, for more. Invariants: a unit
goes on once, in the order of the numbers; what waits is bounded; after a loss nothing counts as whole that may have
been hit.
"""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from typing import Final

__all__ = ["DecodingOrder", "H264Order", "H265Order", "Numbered"]

_STAP_A: Final = 24
_STAP_B: Final = 25
_MTAP16: Final = 26
_MTAP24: Final = 27
_FU_A: Final = 28
_FU_B: Final = 29
_AP: Final = 48
_FU: Final = 49
_MOST_WAITING: Final = 512
# So many units wait for one that should have come by then, as long as numbers had no gaps.
_PATIENCE: Final = 64
_MOST_BYTES: Final = 8 << 20


class Numbered:
    """A NAL unit, its decoding order number without wrap, its time in ticks, and when its last packet arrived.
    ``lost``: something may be missing before it."""

    def __init__(self, number: int, timestamp: int, data: bytes, arrived_us: int) -> None:
        self.arrived_us = arrived_us
        self.number = number
        self.timestamp = timestamp
        self.data = data
        self.lost = 0


def _number_of(unit: Numbered) -> int:
    return unit.number


class DecodingOrder(ABC):
    """Puts units in order. ``depth``: so many may come before a unit that is decoded before them."""

    def __init__(self, depth: int) -> None:
        self.now_us = 0
        """When what is read now arrived, microseconds."""
        self._depth = min(depth, _MOST_WAITING)
        self._waiting: list[Numbered] = []
        self._bytes = 0
        self._highest = -1
        self._gone = -1
        self._doubtful = 0
        self._gapless = True
        self._part = bytearray()
        self._part_number = self._part_timestamp = 0
        # The rest of a unit whose beginning was lost.
        self._skips = False

    @property
    def oldest_us(self) -> int | None:
        """When the oldest unit arrived that waits. Any thread may ask."""
        return min((unit.arrived_us for unit in self._waiting), default=None)

    @abstractmethod
    def read(self, payload: memoryview, timestamp: int) -> bool:
        """Takes the units of a payload, which has a byte at least. False if one can't be read, or comes too late:
        others that are decoded after it are gone."""

    @abstractmethod
    def judged(self, payload: memoryview) -> memoryview:
        """What of a payload says of whether it is of this codec."""

    def lose(self) -> None:
        """Packets are missing: of a unit that is open, and of any of those that may still come in its turn."""
        self._part.clear()
        self._skips = True
        # Those that wait, and those that may still come before what is missing.
        self._doubtful = 2 * self._depth + 1

    def ready(self) -> list[Numbered]:
        """The units whose turn it is."""
        return self._go(self._depth, patient=True)

    @property
    def waits(self) -> bool:
        """Whether units wait for their turn."""
        return len(self._waiting) > 0

    def rest(self) -> list[Numbered]:
        """All, because no more come."""
        self._part.clear()
        if self._gapless:
            # What is missing between them may have been lost at the very end, where no packet follows that would tell.
            self._doubtful = len(self._waiting)
        return self._go(0)

    def restart(self) -> None:
        """Numbers begin anew."""
        self._part.clear()
        self._highest = self._gone = -1

    def put(self, don: int, timestamp: int, data: bytes) -> bool:
        """A unit of this number, of 16 bits; negative: the next one. False if it comes too late."""
        self._part.clear()
        self._skips = False
        return self._put(self._number(don), timestamp, data)

    def begin(self, don: int, timestamp: int, header: bytes, data: memoryview) -> None:
        """A unit begins that comes in parts."""
        self._part = bytearray(header)
        self._part += data
        self._skips = False
        self._part_number, self._part_timestamp = self._number(don), timestamp

    def more(self, data: memoryview, *, ends: bool) -> bool:
        """It goes on. False if it had not begun, or as ``put``."""
        if not self._part or len(self._part) > _MOST_BYTES:
            self._part.clear()
            return self._skips
        self._part += data
        if not ends:
            return True
        part, self._part = bytes(self._part), bytearray()
        return self._put(self._part_number, self._part_timestamp, part)

    def _number(self, don: int) -> int:
        if don < 0:
            return self._highest + 1
        if self._highest < 0:
            return don + 0x10000
        step = don - self._highest & 0xFFFF
        return self._highest + (step if step < 0x8000 else step - 0x10000)

    def _put(self, number: int, timestamp: int, data: bytes) -> bool:
        self._highest = max(self._highest, number)
        if number < self._gone:
            # More come before their turn than the description says.
            self._depth = min(self._depth + 1, _MOST_WAITING)
            return False
        # A packet may hold thousands, in any order.
        bisect.insort(self._waiting, Numbered(number, timestamp, data, self.now_us), key=_number_of)
        self._bytes += len(data)
        return True

    def _may_come(self, before: int, unit: Numbered, waiting: int) -> bool:
        """Whether what is missing before a unit may only come later than the description says, as no packet is missing:
        it is waited for, until it is known of this camera that its numbers have gaps."""
        is_missing = before >= 0 and unit.number > before + 1
        return is_missing and self._gapless and not self._doubtful and waiting <= _PATIENCE

    def _go(self, depth: int, *, patient: bool = False) -> list[Numbered]:
        waiting, count, gone_bytes = self._waiting, 0, 0
        while len(waiting) - count > depth or self._bytes - gone_bytes > _MOST_BYTES:
            before = waiting[count - 1].number if count else self._gone
            if patient and self._may_come(before, waiting[count], len(waiting) - count):
                break
            gone_bytes += len(waiting[count].data)
            count += 1
        gone, self._waiting = waiting[:count], waiting[count:]
        self._bytes -= gone_bytes
        for unit in gone:
            missing = self._gone >= 0 and unit.number > self._gone + 1
            if missing and not self._doubtful:
                # No packet is: this camera's numbers have gaps.
                self._gapless = False
            elif missing or (self._doubtful and not self._gapless):
                unit.lost = 1
            self._doubtful = max(0, self._doubtful - 1)
            self._gone = unit.number
        return gone


class H264Order(DecodingOrder):
    """H.264 of packetization-mode 2: STAP-B, MTAP16, MTAP24, FU-B and FU-A."""

    def judged(self, payload: memoryview) -> memoryview:
        kind = payload[0] & 0x1F
        at = 5 if kind == _STAP_B else 8 if kind == _MTAP16 else 9 if kind == _MTAP24 else 0
        return payload[at:] if at < len(payload) else payload

    def read(self, payload: memoryview, timestamp: int) -> bool:
        kind = payload[0] & 0x1F
        if kind in (_FU_A, _FU_B):
            at = 4 if kind == _FU_B else 2
            if len(payload) < at:
                return False
            if not payload[1] & 0x80:
                return self.more(payload[2:], ends=payload[1] & 0x40 != 0)
            don = payload[2] << 8 | payload[3] if kind == _FU_B else -1
            self.begin(don, timestamp, bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)), payload[at:])
            return True
        if kind in (_STAP_A, _STAP_B, _MTAP16, _MTAP24):
            return self._aggregated(payload, kind, timestamp)
        return self.put(-1, timestamp, bytes(payload))

    def _aggregated(self, payload: memoryview, kind: int, timestamp: int) -> bool:
        at, don = (1, -1) if kind == _STAP_A else (3, int.from_bytes(payload[1:3], "big"))
        base = don
        # Between a unit's size and the unit: its number's difference, and its time's.
        between = 3 if kind == _MTAP16 else 4 if kind == _MTAP24 else 0
        while at + 2 + between < len(payload):
            size = payload[at] << 8 | payload[at + 1]
            begin, later = at + 2 + between, 0
            at = begin + size
            if between:
                don = base + payload[begin - between] & 0xFFFF
                later = int.from_bytes(payload[begin - between + 1 : begin], "big")
            if at > len(payload):
                return False
            if size and not self.put(don, timestamp + later & 0xFFFFFFFF, bytes(payload[begin:at])):
                return False
            if kind == _STAP_B:
                don = don + 1 & 0xFFFF
        return True


class H265Order(DecodingOrder):
    """H.265 whose units come in another order than they are decoded in: all payloads have numbers."""

    def judged(self, payload: memoryview) -> memoryview:
        return payload

    def read(self, payload: memoryview, timestamp: int) -> bool:
        if len(payload) < 5:
            return False
        kind = payload[0] >> 1 & 0x3F
        if kind == _FU:
            if not payload[2] & 0x80:
                return self.more(payload[3:], ends=payload[2] & 0x40 != 0)
            header = bytes((payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]))
            self.begin(payload[3] << 8 | payload[4], timestamp, header, payload[5:])
            return True
        don = payload[2] << 8 | payload[3]
        if kind != _AP:
            return self.put(don, timestamp, bytes(payload[:2]) + bytes(payload[4:]))
        at = 4
        while at + 2 < len(payload):
            size = payload[at] << 8 | payload[at + 1]
            begin, at = at + 2, at + 2 + size
            if at > len(payload) or (size and not self.put(don, timestamp, bytes(payload[begin:at]))):
                return False
            if at < len(payload):
                don = don + payload[at] + 1 & 0xFFFF
                at += 1
        return True
