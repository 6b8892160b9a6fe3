"""H.264 payloads: single NAL units, STAP-A, FU-A (RFC 6184, packetisation modes 0 and 1). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from nvr.recorder.native.pictures import Depacketiser
from nvr.recorder.native.sps import may_have_fields

__all__ = ["H264Depacketiser"]

_SLICE: Final = 1
_IDR: Final = 5
_SEI: Final = 6
_SPS: Final = 7
_STAP_A: Final = 24
_FU_A: Final = 28
_RECOVERY_POINT: Final = 6  # ITU-T H.264 D.1


class H264Depacketiser(Depacketiser):
    """The pictures of one H.264 stream. A keyframe is an IDR picture, or one that a recovery point announces. ``sets``: parameter sets that the description
    has."""

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        super().__init__()
        self._sps = b""
        for unit in sets:
            if unit[0] & 0x1F == _SPS:
                self._may_be_fields = may_have_fields(unit)

    def _payload(self, payload: memoryview) -> bool:
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            return self._fragmented(payload)
        if self._fragment:
            # The end of the fragmented unit is missing, although no packet is.
            return False
        if kind == _STAP_A:
            return self._aggregated(payload)
        if kind == 0 or kind > _STAP_A - 1:
            return False
        self._unit(payload)
        return True

    def _fragmented(self, payload: memoryview) -> bool:
        if len(payload) < 3:
            return False
        flags = payload[1]
        if flags & 0x80:
            kind = flags & 0x1F
            if self._fragment or kind == 0 or kind >= _STAP_A:
                return False
            header = payload[0] & 0xE0 | kind
            self._look(kind, header, payload[2], payload)
            self._begin(bytes((header,)))
            self._middle = bytes((payload[0], kind))
        elif not self._fragment:
            return False
        self._more(payload[2:])
        self._fragment = not flags & 0x40
        if not self._fragment:
            self._end()
        return True

    def _aggregated(self, payload: memoryview) -> bool:
        at, end = 1, len(payload)
        while at < end:
            if at + 2 > end:
                return False
            size = payload[at] << 8 | payload[at + 1]
            at += 2
            if size == 0 or at + size > end:
                return False
            unit = payload[at : at + size]
            if not 0 < unit[0] & 0x1F < _STAP_A:
                return False
            self._unit(unit)
            at += size
        return end > 1

    def _unit(self, unit: memoryview) -> None:
        header = unit[0]
        self._look(header & 0x1F, header, unit[1] if len(unit) > 1 else 0, unit)
        self._whole(unit)

    def _look(self, kind: int, header: int, after: int, unit: memoryview) -> None:
        if _SLICE <= kind <= _IDR:
            # first_mb_in_slice is an Exp-Golomb number: zero is a single set bit.
            first = after & 0x80 != 0 if kind not in (3, 4) else False
            self._slice(first=first, keyframe=kind == _IDR, reference=header & 0x60 != 0)
        elif kind == _SPS and header == unit[0] and unit != self._sps:
            self._sps = bytes(unit)
            self._may_be_fields = may_have_fields(self._sps)
        elif kind == _SEI and not self._keyframe and header == unit[0] and _announces_recovery(unit):
            self._keyframe = True


def _announces_recovery(unit: memoryview) -> bool:
    """Whether a SEI unit has a recovery point message (ITU-T H.264 7.3.2.3.1)."""
    at, end = 1, len(unit)
    while at + 1 < end:
        kind = size = 0
        while at < end and unit[at] == 0xFF:
            kind += 255
            at += 1
        if at >= end:
            return False
        kind += unit[at]
        at += 1
        while at < end and unit[at] == 0xFF:
            size += 255
            at += 1
        if at >= end:
            return False
        size += unit[at]
        if kind == _RECOVERY_POINT:
            return True
        at += 1 + size
    return False
