"""H.265 payloads: single NAL units, aggregation packets, fragmentation units, with or without DONL (RFC 7798). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from nvr.recorder.sources.rtp.admission import NOTHING, PLAUSIBLE, SLICE, STARTS, WRONG
from nvr.recorder.sources.rtp.codec import VideoCodec
from nvr.recorder.sources.rtp.continuity import HEAD_BYTES
from nvr.recorder.sources.rtp.pictures import CONTINUES, FIRST, OTHER, Depacketiser
from nvr.recorder.sources.rtp.units import split_units, starts_stream

__all__ = ["H265", "H265Depacketiser"]

_AP: Final = 48
_FU: Final = 49
_SLICES: Final = frozenset({*range(10), *range(16, 22)})  # of types that are not reserved (ITU-T H.265 table 7-1)
_FIRST_IRAP: Final = 16
_CRA: Final = 21
_BLA: Final = range(16, 19)
_RASL: Final = frozenset({8, 9})
_SETS: Final = frozenset({32, 33, 34})
_VPS: Final = 32
_SPS: Final = 33
_SEI: Final = 39
_LAST_KNOWN: Final = 40
_IN_FRONT: Final = frozenset({32, 33, 34, 35, 39})


class H265Depacketiser(Depacketiser):
    """The frames of one H.265 stream. ``donl``: payloads carry decoding order numbers, which over TCP say nothing new
    and are left out. ``sets``: parameter sets that the description has."""

    def __init__(self, sets: Iterable[bytes] = (), *, donl: bool = False) -> None:
        described = tuple(sets)
        super().__init__("hevc", described)
        self._donl = donl
        self._ignoring = False
        self._empty_start = b""
        self._sublayers = -1  # sps_max_sub_layers_minus1
        self._sps = b""
        for unit in described:
            self._at_sps(unit)

    def _payload(self, payload: memoryview) -> bool:
        if len(payload) < 2:
            self.counts.ignored += 1
            return True
        kind = payload[0] >> 1 & 0x3F
        if kind == _FU:
            return self._fragmented(payload)
        is_plain = kind in _IN_FRONT or (kind > _LAST_KNOWN and kind != _AP)
        if is_plain and not self._donl and self._waits(kind, payload, _IN_FRONT):
            return True
        self._close()
        if kind == _AP:
            return self._aggregated(payload)
        if self._donl and kind < _AP and len(payload) > 4:
            self._unit(memoryview(bytes(payload[:2]) + payload[4:]))
        else:
            self._unit(payload)
        return True

    def _role(self, payload: memoryview) -> int:
        if starts_stream(payload):
            return FIRST
        size = len(payload)
        if size < 4:
            return OTHER
        kind, at = payload[0] >> 1 & 0x3F, 4 if self._donl else 2
        if kind == _FU:
            if not payload[2] & 0x80:
                return CONTINUES if self._fragment else OTHER
            kind, at = payload[2] & 0x3F, at + 1
        elif kind == _AP and size > at + 5:
            kind, at = payload[at + 2] >> 1 & 0x3F, at + 4
        if kind not in _SLICES or at >= size:
            return OTHER
        return FIRST if payload[at] & 0x80 else CONTINUES

    def worth(self, payload: memoryview) -> int:
        if starts_stream(payload):
            return SLICE
        if len(payload) < 3 or payload[0] & 0x80 or not payload[1] & 7:
            return WRONG
        kind, role = payload[0] >> 1 & 0x3F, self._role(payload)
        if kind == _FU:
            kind = payload[2] & 0x3F if payload[2] & 0x80 else _LAST_KNOWN + 1
        elif kind == _AP and len(payload) > 5:
            kind = payload[4] >> 1 & 0x3F
        if kind in (_VPS, _SPS) or (kind in _SLICES and kind >= _FIRST_IRAP):
            return STARTS
        if role == FIRST:
            return SLICE
        return PLAUSIBLE if kind <= _LAST_KNOWN else NOTHING

    def _fragmented(self, payload: memoryview) -> bool:
        if len(payload) < 3:
            self.counts.ignored += 1
            return True
        flags, at = payload[2], 3
        if flags & 0x80:
            kind = flags & 0x3F
            if self._fragment and not self._unit_ended:
                head = bytes((kind << 1, 1)) + payload[5 if self._donl else 3 :][:HEAD_BYTES].tobytes()
                if not self._may_begin(kind in _SLICES, head):
                    return False
            self._close()
            self._empty_start = b""
            self._ignoring = kind > _LAST_KNOWN
            if not self._ignoring:
                at = 5 if self._donl else 3
                header = bytes((payload[0] & 0x81 | kind << 1, payload[1]))
                if len(payload) <= at:
                    self._empty_start = header
                    return True
                self._start(header, payload[at:])
                self._middle = bytes((payload[0], payload[1], kind))
        elif self._empty_start and len(payload) > 3:
            header, self._empty_start = self._empty_start, b""
            self._start(header, payload[at:])
            self._middle = bytes((payload[0], payload[1], header[0] >> 1 & 0x3F))
        elif not (self._fragment or self._ignoring or self._empty_start):
            # The beginning is missing, although no packet is.
            return False
        if self._ignoring:
            self.counts.ignored += 1
        elif self._fragment:
            self._more(payload[at:])
            self._unit_ended = flags & 0x40 != 0
            self._ends += self._unit_ended
        return True

    def _start(self, header: bytes, data: memoryview) -> None:
        """A fragmented unit begins with this data."""
        kind = header[0] >> 1 & 0x3F
        if kind in _IN_FRONT and self._has_slice:
            self._finish(late=True)
        if starts_stream(data) or kind in _SETS:
            self._check = True
        elif kind in _SLICES:
            self._at_slice(kind, header + data[: HEAD_BYTES - 2])
        elif kind == _SEI:
            self._at_messages(header + data[:64])
        self._begin(header)

    def _aggregated(self, payload: memoryview) -> bool:
        units, over = _aggregate(payload, self._donl)
        if over and self._donl:
            # The description announces numbers, and this camera sends none, if the units fit without.
            plain, plain_over = _aggregate(payload, False)
            if not plain_over:
                units, over, self._donl = plain, 0, False
        for unit in units[: len(units) - 1 if over else len(units)]:
            kind = unit[0] >> 1 & 0x3F
            if kind == _FU:
                # No standard has fragments in an aggregate, but what they are is clear.
                if not self._fragmented(unit):
                    return False
                continue
            self._close()
            if kind == _AP:
                self.counts.ignored += 1
                return False
            self._unit(unit)
        if over:
            # Cut short, or no unit at all.
            self.counts.ignored += 1
            return len(units[-1]) == 0 or units[-1][0] >> 1 & 0x3F >= 32
        return True

    def _unit(self, unit: memoryview) -> None:
        if unit[0] == 0 and starts_stream(unit):
            self.counts.split += 1
            for part in split_units("hevc", bytes(unit)):
                self._unit(memoryview(part))
            return
        kind = unit[0] >> 1 & 0x3F
        if len(unit) < 2 or kind > _LAST_KNOWN:
            self.counts.ignored += 1
        elif kind < 32:
            if len(unit) > 2 and kind in _SLICES:
                self._at_slice(kind, bytes(unit[:HEAD_BYTES]))
                self._whole(unit)
            else:
                self.counts.ignored += 1
        elif kind in _IN_FRONT and self._behind_slices(unit):
            return
        elif kind in _SETS:
            self._at_set(unit)
        else:
            if kind == _SEI:
                self._at_messages(unit)
            self._whole(unit)

    def _at_slice(self, kind: int, head: bytes) -> None:
        if head[0] & 1 or head[1] >> 3:
            # Of another layer: it belongs to the base layer's frame, and begins none.
            return
        # "Sub-layer non-reference" pictures are referred to from higher temporal sub-layers only.
        reference = kind >= _FIRST_IRAP or kind & 1 == 1 or (head[1] & 7) - 1 != self._sublayers
        self._slice(head, first=head[2] & 0x80 != 0, keyframe=kind >= _FIRST_IRAP, reference=reference)
        if kind >= _FIRST_IRAP:
            self._broken_link = kind in _BLA
            self._open_group = self._broken_link or kind == _CRA
        elif kind in _RASL:
            self._leading = True

    def _at_sps(self, unit: bytes) -> None:
        if unit[0] >> 1 & 0x3F == _SPS and len(unit) > 2 and unit != self._sps:
            self._sps = unit
            self._sublayers = unit[2] >> 1 & 7


def _aggregate(payload: memoryview, donl: bool) -> tuple[list[memoryview], int]:
    """The units of an aggregation packet, and how many bytes the last of them lacks. With ``donl`` the first unit has a
    number of two bytes, each other one its difference in one."""
    units: list[memoryview] = []
    at, end = 4 if donl else 2, len(payload)
    while at + 2 <= end:
        size = payload[at] << 8 | payload[at + 1]
        at += 2
        unit = payload[at : at + size]
        at += size
        if size:
            units.append(unit)
        if at > end:
            return units, at - end
        at += donl
    return units, 0


def _refuses(parameters: Mapping[str, str]) -> str:
    ahead, numbered = (
        parameters.get(f"sprop-{name}", "0").strip().strip("0") for name in ("depack-buf-nalus", "max-don-diff")
    )
    return "H.265 with interleaved NAL units that have no numbers" if ahead and not numbered else ""


def _depacketiser(sets: tuple[bytes, ...], donl: bool) -> Depacketiser:
    return H265Depacketiser(sets, donl=donl)


H265: Final = VideoCodec("hevc", ("H265", "HEVC"), ("sprop-vps", "sprop-sps", "sprop-pps"), 3, _refuses, _depacketiser)
