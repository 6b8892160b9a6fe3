"""From RTP payloads to pictures: what H.264 and H.265 have in common. Pure.

A picture's packets share a timestamp; the marker ends it, or, of a camera that forgets the marker, the next timestamp does; where pictures may be two fields the second one's marker counts. Invariants: a picture that
is given out is whole as far as packet numbers and fragment flags can tell; NAL units keep their order and bytes; memory is bounded.
After the loss of what others may refer to, pictures are left out up to the next keyframe, and counted.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

__all__ = ["Counts", "Depacketiser", "Picture", "Sense"]

_LENGTH: Final = struct.Struct(">I")
_LARGEST_BYTES: Final = 16 << 20
# More than a read buffer can hold.
_ROOM_BYTES: Final = 1 << 20
# What is as large stays a piece of its own: to put it together with others would be to copy it once more.
_PIECE_BYTES: Final = 4 << 10


class Picture:
    """An access unit as MP4 has it, in pieces: each NAL unit after its length in four bytes. ``timestamp`` as in its packets; ``loss``: pictures before
    it are missing, as ``nvr.recorder.source.LOSSES`` has it."""

    def __init__(self, parts: list[bytes], timestamp: int, keyframe: bool, loss: str) -> None:
        self.parts = parts
        self.timestamp = timestamp
        self.keyframe = keyframe
        self.loss = loss

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)


@dataclass(slots=True)
class Counts:
    """What went wrong: ``damaged`` pictures that came in part, ``undecodable`` ones left out for want of what they refer to, ``malformed``
    payloads, ``unmarked`` pictures without a marker."""

    damaged: int = 0
    undecodable: int = 0
    malformed: int = 0
    unmarked: int = 0


@dataclass(slots=True)
class Sense:
    """Whether what comes makes sense; counts only rise. ``units`` of types that the codec has, ``keyframes_begun`` and ``keyframes`` that were whole, whole ``frames``
    whether or not they could be decoded, and how often a marker or another timestamp said that a frame ends (``ends``)."""

    units: int = 0
    keyframes_begun: int = 0
    keyframes: int = 0
    frames: int = 0
    ends: int = 0


def _pieces(parts: list[bytes | memoryview]) -> list[bytes]:
    """The same bytes, in few pieces that last."""
    pieces: list[bytes] = []
    small: list[bytes | memoryview] = []
    for part in parts:
        if len(part) >= _PIECE_BYTES and isinstance(part, bytes):
            if small:
                pieces.append(b"".join(small))
                small = []
            pieces.append(part)
        else:
            small.append(part)
    if small:
        pieces.append(b"".join(small))
    return pieces


class Depacketiser(ABC):
    """The state between two packets. Subclasses read payloads; they add NAL units with ``_whole``, or with ``_begin``, ``_more`` and ``_end``.

    A picture is kept in parts, many of which are views of what was read, and these are put together once, when it is whole: copying is what large pictures cost.
    Who reads more into the same memory must call ``settle`` before.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.sense = Sense()
        self._parts: list[bytes | memoryview] = []
        self._bytes = 0
        self._owned = 0  # so many parts are no views
        self._header = (
            b""  # the begun NAL unit's, which its length and this are to go before; where; and its length so far
        )
        self._header_at = 0
        self._unit_bytes = 0
        self._timestamp: int | None = None
        self._fragment = False  # a fragmented NAL unit has begun and not ended
        self._middle = b""  # how payloads begin that only go on with it
        self._damaged = False
        self._has_picture = False
        self._keyframe = False
        self._reference = False
        self._begins_well = False
        # Nothing is decodable before the first keyframe; that is no loss.
        self._waiting = True
        self._lost = ""
        # The packet before the open picture's first one is missing, so that its own beginning may be.
        self._suspect = True
        self._markers_lie = False
        # Pictures may be two fields of one timestamp, each with a marker of its own.
        self._may_be_fields = False
        self._beginnings = 0
        self._marked = False
        self._finished_at: int | None = None

    def feed(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> tuple[Picture, ...]:
        """Takes the next packet's payload, ``lost`` packets being missing right before it; returns what it completed."""
        out: tuple[Picture, ...] = ()
        within = False
        if lost and self._is_open and (timestamp == self._timestamp or self._has_picture):
            # Within one picture, whether others suffer depends on whether they refer to it.
            within = timestamp == self._timestamp
            self._lost = "network"
            self._damage()
        if timestamp != self._timestamp:
            self.sense.ends += not self._marked
            if self._has_picture or self._damaged:
                self.counts.unmarked += not (self._markers_lie or self._may_be_fields or lost)
                out = self._finish()
            # Parameter sets that came with a timestamp of their own belong to the picture that follows.
            self._timestamp = timestamp
        if lost and not within:
            # Perhaps whole pictures are missing, and the beginning of this one.
            self._waiting = self._suspect = True
            self._lost = "network"
        if self._bytes + len(payload) > _LARGEST_BYTES:
            self._clear()
            self._damaged = True
        if not self._damaged and (not payload or not self._payload(payload)):
            self.counts.malformed += 1
            self._damage()
        self.sense.ends += marker and not self._markers_lie
        self._marked = marker and not self._markers_lie and (self._has_picture or self._damaged)
        if self._marked and (not self._may_be_fields or self._beginnings > 1):
            return out + self._finish() if out else self._finish()
        return out

    def end(self) -> tuple[Picture, ...]:
        """No more packets come: the picture that a marker would have ended, if it could not have been half of one."""
        marked, self._marked = self._marked, False
        return self._finish() if marked and self._has_picture else ()

    def restart(self) -> None:
        """The sender began anew: what is open will not be completed, and nothing may refer to what was before."""
        if self._is_open:
            self._damaged = True
            self._finish()
        self._clear()
        self._waiting = self._suspect = True
        self._lost = self._lost or "camera"
        self._timestamp = self._finished_at = None

    def going_on(self) -> bytes | None:
        """If a fragmented NAL unit is open, how payloads begin that hold nothing but more of it. Whoever sees to it that they do, that they have this
        ``timestamp``, and that none is missing, may give what is behind that beginning to ``gone_on``, a read buffer's worth at most: that is what most
        packets are."""
        if not self._fragment or self._damaged or self._bytes > _LARGEST_BYTES - _ROOM_BYTES:
            return None
        return self._middle

    @property
    def timestamp(self) -> int:
        """That of the open picture."""
        return self._timestamp or 0

    def gone_on(self, more: bytes) -> None:
        """The open NAL unit goes on with these bytes."""
        self._parts.append(more)
        self._bytes += len(more)
        self._unit_bytes += len(more)

    def settle(self) -> None:
        """What the payloads lie in is about to be written over: what is open of a picture is copied from there."""
        parts, owned = self._parts, self._owned
        if len(parts) == owned:
            return
        at = self._header_at
        if self._fragment and at >= owned:
            # The header's place is filled in later.
            parts[owned:] = [b"".join(parts[owned:at]), parts[at], b"".join(parts[at + 1 :])]
            self._header_at = owned + 1
        else:
            parts[owned:] = [b"".join(parts[owned:])]
        self._owned = len(parts)

    @property
    def _is_open(self) -> bool:
        return bool(self._parts) or self._damaged

    def _damage(self) -> None:
        self._damaged = True
        self._fragment = False
        # What it holds is not needed any more, but that it is there is.
        self._forget()

    def _finish(self) -> tuple[Picture, ...]:
        """The open picture ends here."""
        damaged = self._damaged or self._fragment or (self._suspect and not self._begins_well)
        keyframe, reference, known = self._keyframe, self._reference, self._has_picture
        parts = [] if damaged else _pieces(self._parts)
        joined_in_the_middle = self._suspect and self._waiting and not self._lost
        self._clear()
        self._suspect = False
        self._finished_at = self._timestamp
        timestamp = self._timestamp or 0
        if damaged:
            if joined_in_the_middle:
                return ()
            self.counts.damaged += 1
            if reference or not known:
                self._waiting = True
            self._lost = self._lost or "camera"
            return ()
        self.sense.frames += 1
        if keyframe:
            self.sense.keyframes += 1
            self._waiting = False
        if self._waiting:
            self.counts.undecodable += bool(self._lost)
            return ()
        loss, self._lost = self._lost, ""
        return (Picture(parts, timestamp, keyframe, loss),)

    def _forget(self) -> None:
        self._parts.clear()
        self._bytes = self._owned = 0

    def _clear(self) -> None:
        self._forget()
        self._fragment = self._damaged = self._has_picture = False
        self._keyframe = self._reference = self._begins_well = False
        self._beginnings = 0

    # What subclasses read payloads with ------------------------------------------------------------------------------

    @abstractmethod
    def _payload(self, payload: memoryview) -> bool:
        """Takes the NAL units of a payload, which is not empty; False if it is malformed."""

    def _slice(self, *, first: bool, keyframe: bool, reference: bool) -> None:
        """A slice begins: the ``first`` of its picture or field, or not."""
        self._beginnings += first
        if not self._has_picture:
            self._has_picture = True
            self._begins_well = first
            if not first and self._timestamp == self._finished_at:
                # The rest of a picture that a marker has ended already: this camera marks slices, not pictures.
                self._markers_lie = True
                self._suspect = True
                self._lost = self._lost or "camera"
        if keyframe and not self._keyframe:
            self.sense.keyframes_begun += 1
        self._keyframe |= keyframe
        self._reference |= reference

    def _begin(self, header: bytes) -> None:
        """A NAL unit begins, with this header; ``_more`` of it comes until ``_end``."""
        self._header, self._header_at, self._unit_bytes = header, len(self._parts), len(header)
        self.sense.units += 1
        self._parts.append(header)
        self._bytes += 4 + len(header)

    def _more(self, data: memoryview) -> None:
        self._parts.append(data)
        self._bytes += len(data)
        self._unit_bytes += len(data)

    def _end(self) -> None:
        self._parts[self._header_at] = _LENGTH.pack(self._unit_bytes) + self._header

    def _whole(self, unit: memoryview) -> None:
        self.sense.units += 1
        self._parts.append(_LENGTH.pack(len(unit)))
        self._parts.append(unit)
        self._bytes += 4 + len(unit)
