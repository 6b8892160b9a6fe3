"""H.264 payloads: single NAL units, STAP-A, FU-A (RFC 6184, packetisation modes 0 and 1), and STAP-B and FU-B, whose
decoding order numbers say nothing new over TCP. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from nvr.recorder.sources.rtp.admission import NOTHING, PLAUSIBLE, SLICE, STARTS, WRONG
from nvr.recorder.sources.rtp.codec import VideoCodec
from nvr.recorder.sources.rtp.continuity import HEAD_BYTES
from nvr.recorder.sources.rtp.pictures import CONTINUES, FIRST, OTHER, Depacketiser
from nvr.recorder.sources.rtp.sps import may_have_fields
from nvr.recorder.sources.rtp.units import recovery_frames, split_units, starts_stream

__all__ = ["H264", "H264Depacketiser"]

_SLICE: Final = 1
_IDR: Final = 5
_SEI: Final = 6
_SPS: Final = 7
# Stand in front of the slices of a frame (ITU-T H.264 7.4.1.2.3): SEI, parameter sets, delimiters, and what is reserved
# for more of them.
_IN_FRONT: Final = frozenset({6, 7, 8, 9, *range(14, 19)})
_SETS: Final = frozenset({7, 8, 13, 15})
_LAST_UNIT: Final = 23
_STAP_A: Final = 24
_STAP_B: Final = 25
_MTAP16: Final = 26
_MTAP24: Final = 27
_FU_A: Final = 28
_FU_B: Final = 29


class H264Depacketiser(Depacketiser):
    """The frames of one H.264 stream. A keyframe is an IDR picture, or one that a recovery point announces, or, of a
    camera that has shown neither, an intra picture behind parameter sets. ``sets``: parameter sets that the description
    has."""

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        described = tuple(sets)
        super().__init__("h264", described)
        self._sps = b""
        self._ignoring = False  # a fragmented unit of a type that is unknown
        self._empty_start = -1  # the header of a fragmented unit whose first fragment had nothing
        self._had_idr = False
        for unit in described:
            self._at_sps(unit)

    def _payload(self, payload: memoryview) -> bool:
        kind = payload[0] & 0x1F
        if kind in (_FU_A, _FU_B):
            return self._fragmented(payload, 4 if kind == _FU_B else 2)
        if (kind in _IN_FRONT or self._is_unknown(kind, payload)) and self._waits(kind, payload, _IN_FRONT):
            return True
        self._close()
        if kind in (_STAP_A, _STAP_B):
            return self._aggregated(payload, 3 if kind == _STAP_B else 1)
        self._unit(payload)
        return True

    def _is_unknown(self, kind: int, payload: memoryview) -> bool:
        """Whether a payload is of a type that holds nothing that is known."""
        return kind > _FU_B or kind in (_MTAP16, _MTAP24) or (kind == 0 and not starts_stream(payload))

    def _role(self, payload: memoryview) -> int:
        kind, at = payload[0] & 0x1F, 1
        if kind == 0 and starts_stream(payload):
            return FIRST
        if kind in (_FU_A, _FU_B):
            if len(payload) < 3:
                return OTHER
            if not payload[1] & 0x80:
                return CONTINUES if self._fragment else OTHER
            kind, at = payload[1] & 0x1F, 4 if kind == _FU_B else 2
        elif kind == _STAP_A and len(payload) > 4:
            kind, at = payload[3] & 0x1F, 4
        if not _SLICE <= kind <= _IDR or at >= len(payload):
            return OTHER
        return FIRST if payload[at] & 0x80 and kind not in (3, 4) else CONTINUES

    def worth(self, payload: memoryview) -> int:
        kind = payload[0] & 0x1F
        if payload[0] & 0x80 or (kind in (_FU_A, _FU_B) and (len(payload) < 3 or payload[1] & 0x20)):
            return WRONG
        role = self._role(payload)
        if kind in (_FU_A, _FU_B):
            kind = payload[1] & 0x1F if payload[1] & 0x80 else 0
        elif kind == _STAP_A and len(payload) > 4:
            kind = payload[3] & 0x1F
        if kind in (_IDR, _SPS) or (kind == _SEI and recovery_frames("h264", payload) >= 0):
            return STARTS
        if role == FIRST:
            return SLICE
        return PLAUSIBLE if 0 < kind <= _LAST_UNIT else NOTHING

    def _fragmented(self, payload: memoryview, at: int) -> bool:
        if len(payload) < 2:
            self.counts.ignored += 1
            return True
        flags = payload[1]
        if flags & 0x80:
            kind = flags & 0x1F
            if self._fragment and not self._unit_ended:
                head = payload[:1].tobytes() + payload[at : at + HEAD_BYTES].tobytes()
                if not self._may_begin(_SLICE <= kind <= _IDR, head):
                    return False
            self._close()
            self._empty_start = -1
            self._ignoring = kind == 0 or kind > _LAST_UNIT
            if not self._ignoring:
                header = payload[0] & 0xE0 | kind
                if len(payload) <= at:
                    self._empty_start = header
                    return True
                self._start(kind, header, payload[at:])
                self._middle = bytes((payload[0], kind))
        elif self._empty_start >= 0 and len(payload) > 2:
            header, self._empty_start, at = self._empty_start, -1, 2
            self._start(header & 0x1F, header, payload[at:])
            self._middle = bytes((payload[0], header & 0x1F))
        elif self._fragment:
            at = 2
        elif not self._ignoring and self._empty_start < 0:
            # The beginning is missing, although no packet is; unless it is something else (an FU-B is always a
            # beginning).
            self.counts.ignored += at == 4
            return at == 4
        if self._ignoring:
            self.counts.ignored += 1
        elif self._fragment:
            self._more(payload[at:])
            self._unit_ended = flags & 0x40 != 0
            self._ends += self._unit_ended
        return True

    def _start(self, kind: int, header: int, data: memoryview) -> None:
        """A fragmented unit begins with this data."""
        if kind in _IN_FRONT and self._has_slice:
            self._finish(late=True)
        if starts_stream(data):
            self._check = True
        elif kind <= _IDR:
            self._at_slice(kind, bytes((header,)) + data[: HEAD_BYTES - 1])
        elif kind in _SETS:
            self._check = True
        elif kind == _SEI:
            self._at_messages(bytes((header,)) + data[:64])
        self._begin(bytes((header,)))

    def _aggregated(self, payload: memoryview, at: int) -> bool:
        end = len(payload)
        while at + 2 <= end:
            size = payload[at] << 8 | payload[at + 1]
            at += 2
            unit = payload[at : at + size]
            at += size
            if at > end:
                # Cut short, or no unit at all.
                self.counts.ignored += 1
                return not (len(unit) and _SLICE <= unit[0] & 0x1F <= _IDR)
            if not len(unit):
                continue
            kind = unit[0] & 0x1F
            if kind in (_FU_A, _FU_B):
                # No standard has fragments in an aggregate, but what they are is clear.
                if not self._fragmented(unit, 4 if kind == _FU_B else 2):
                    return False
                continue
            self._close()
            if kind in (_STAP_A, _STAP_B):
                self.counts.ignored += 1
                return False
            self._unit(unit)
        return True

    def _unit(self, unit: memoryview) -> None:
        header = unit[0]
        kind = header & 0x1F
        if _SLICE <= kind <= _IDR:
            if len(unit) > 1:
                self._at_slice(kind, bytes(unit[:HEAD_BYTES]))
                self._whole(unit)
            else:
                self.counts.ignored += 1
        elif kind == 0 and starts_stream(unit):
            self.counts.split += 1
            for part in split_units("h264", bytes(unit)):
                self._unit(memoryview(part))
        elif kind == 0 or kind > _LAST_UNIT:
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
        after = head[1]
        # first_mb_in_slice is an Exp-Golomb number: zero is a single set bit.
        first = after & 0x80 != 0 and kind not in (3, 4)
        if kind == _IDR:
            self._had_idr = True
        self._slice(head, first=first, keyframe=kind == _IDR, reference=head[0] & 0x60 != 0)
        if (
            first
            and self._has_sets
            and not self._had_idr
            and kind == _SLICE
            and (after == 0x88 or after & 0xF0 == 0xB0)
        ):
            # slice_type 7 or 2: an intra picture behind parameter sets, and this camera has shown no other keyframe.
            self._recovery = 0

    def _at_sps(self, unit: bytes) -> None:
        if unit[0] & 0x1F == _SPS and unit != self._sps:
            self._sps = unit
            self._may_be_fields = may_have_fields(unit)


def _refuses(parameters: Mapping[str, str]) -> str:
    mode = parameters.get("packetization-mode", "0")
    return "" if mode in ("0", "1", "2") else f"H.264 with packetization-mode {mode[:8]}, which no standard has"


def _depacketiser(sets: tuple[bytes, ...], _: bool) -> Depacketiser:
    return H264Depacketiser(sets)


H264: Final = VideoCodec("h264", ("H264",), ("sprop-parameter-sets",), 2, _refuses, _depacketiser)
