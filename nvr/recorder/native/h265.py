"""H.265 payloads: single NAL units, aggregation packets, fragmentation units, with or without DONL (RFC 7798). Pure."""

from __future__ import annotations

from typing import Final

from nvr.recorder.native.pictures import Depacketiser

__all__ = ["H265Depacketiser"]

_AP: Final = 48
_FU: Final = 49
_FIRST_NON_SLICE: Final = 32
_IRAP: Final = range(16, 24)  # BLA, IDR, CRA and the reserved ones between (ITU-T H.265 table 7-1)


class H265Depacketiser(Depacketiser):
    """The pictures of one H.265 stream. ``donl``: payloads carry decoding order numbers, which over TCP say nothing new and are left out."""

    def __init__(self, *, donl: bool = False) -> None:
        super().__init__()
        self._donl = donl

    def _payload(self, payload: memoryview) -> bool:
        if len(payload) < 3:
            return False
        kind = payload[0] >> 1 & 0x3F
        if kind == _FU:
            return self._fragmented(payload)
        if self._fragment:
            return False
        if kind == _AP:
            return self._aggregated(payload)
        if kind > _AP:
            return False
        if not self._donl:
            self._unit(payload, payload[2])
            return True
        if len(payload) < 5:
            return False
        self._look(kind, payload[4])
        self._begin(bytes(payload[:2]))
        self._more(payload[4:])
        self._end()
        return True

    def _fragmented(self, payload: memoryview) -> bool:
        flags, at = payload[2], 3
        if flags & 0x80:
            if self._donl:
                at = 5
            kind = flags & 0x3F
            if self._fragment or kind >= _AP or len(payload) <= at:
                return False
            self._look(kind, payload[at])
            self._begin(bytes((payload[0] & 0x81 | kind << 1, payload[1])))
            self._middle = bytes((payload[0], payload[1], kind))
        elif not self._fragment:
            return False
        self._more(payload[at:])
        self._fragment = not flags & 0x40
        if not self._fragment:
            self._end()
        return True

    def _aggregated(self, payload: memoryview) -> bool:
        at, end = 2, len(payload)
        first = True
        while at < end:
            if self._donl:
                # The first unit has a number of two bytes, each other one its difference in one.
                at += 2 if first else 1
            first = False
            if at + 2 > end:
                return False
            size = payload[at] << 8 | payload[at + 1]
            at += 2
            if size < 3 or at + size > end or payload[at] >> 1 & 0x3F >= _AP:
                return False
            unit = payload[at : at + size]
            self._unit(unit, unit[2])
            at += size
        return not first

    def _unit(self, unit: memoryview, after: int) -> None:
        self._look(unit[0] >> 1 & 0x3F, after)
        self._whole(unit)

    def _look(self, kind: int, after: int) -> None:
        if kind < _FIRST_NON_SLICE:
            # "Sub-layer non-reference" pictures may be referred to from other layers, so any loss counts as that of a reference.
            self._slice(first=after & 0x80 != 0, keyframe=kind in _IRAP, reference=True)
