"""From RTP payloads to pictures: what H.264 and H.265 have in common. Pure.

A picture's packets share a timestamp; the marker ends it, or, of a camera that forgets the marker, the next timestamp does; where pictures may be two fields the second one's marker counts. Invariants: a picture that
is given out is whole as far as packet numbers and fragment flags can tell; NAL units keep their order and bytes; memory is bounded.
After the loss of what others may refer to, pictures are left out up to the next keyframe, and counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

__all__ = ["Counts", "Depacketiser", "Picture"]

START_CODE: Final = b"\x00\x00\x00\x01"
_LARGEST_BYTES: Final = 16 << 20
# More than a read buffer can hold.
_ROOM_BYTES: Final = 1 << 20


@dataclass(slots=True)
class Picture:
    """An access unit in Annex B form with start codes of four bytes, which begin at ``units``. ``timestamp`` as in its packets; ``after_loss``: pictures
    before it are missing."""

    data: bytearray
    timestamp: int
    keyframe: bool
    after_loss: bool
    units: list[int]


@dataclass(slots=True)
class Counts:
    """What went wrong: ``damaged`` pictures that came in part, ``undecodable`` ones left out for want of what they refer to, ``malformed``
    payloads, ``unmarked`` pictures without a marker."""

    damaged: int = 0
    undecodable: int = 0
    malformed: int = 0
    unmarked: int = 0


class Depacketiser(ABC):
    """The state between two packets. Subclasses read payloads; they add NAL units with ``_begin`` and ``_whole``."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._data = bytearray()
        self._units: list[int] = []
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
        self._lost = False
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
            self._damage()
        if timestamp != self._timestamp:
            if self._has_picture or self._damaged:
                self.counts.unmarked += not (self._markers_lie or self._may_be_fields or lost)
                out = self._finish()
            # Parameter sets that came with a timestamp of their own belong to the picture that follows.
            self._timestamp = timestamp
        if lost and not within:
            # Perhaps whole pictures are missing, and the beginning of this one.
            self._waiting = self._lost = self._suspect = True
        if len(self._data) + len(payload) > _LARGEST_BYTES:
            self._clear()
            self._damaged = True
        if not self._damaged and (not payload or not self._payload(payload)):
            self.counts.malformed += 1
            self._damage()
        self._marked = marker and not self._markers_lie and (self._has_picture or self._damaged)
        if self._marked and (not self._may_be_fields or self._beginnings > 1):
            return out + self._finish()
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
        self._waiting = self._lost = self._suspect = True
        self._timestamp = self._finished_at = None

    def going_on(self) -> tuple[bytearray, bytes, int] | None:
        """If a fragmented NAL unit is open: where its bytes go, how payloads begin that hold nothing but more of it, and the timestamp that they
        have. Whoever sees to it that they do, and that none is missing, may add their bytes behind that beginning himself, up to a read
        buffer's worth: that is what most packets are."""
        if (
            not self._fragment
            or self._damaged
            or self._timestamp is None
            or len(self._data) > _LARGEST_BYTES - _ROOM_BYTES
        ):
            return None
        return self._data, self._middle, self._timestamp

    @property
    def _is_open(self) -> bool:
        return bool(self._data) or self._damaged

    def _damage(self) -> None:
        self._damaged = True
        self._fragment = False
        # What it holds is not needed any more, but that it is there is.
        self._data.clear()
        self._units.clear()

    def _finish(self) -> tuple[Picture, ...]:
        """The open picture ends here."""
        damaged = self._damaged or self._fragment or (self._suspect and not self._begins_well)
        keyframe, reference, known = self._keyframe, self._reference, self._has_picture
        # Handed on, not copied.
        data, self._data = self._data, bytearray()
        units, self._units = self._units, []
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
            self._lost = True
            return ()
        if keyframe:
            self._waiting = False
        if self._waiting:
            self.counts.undecodable += self._lost
            return ()
        after_loss, self._lost = self._lost, False
        return (Picture(data, timestamp, keyframe, after_loss, units),)

    def _clear(self) -> None:
        self._data.clear()
        self._units.clear()
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
                self._suspect = self._lost = True
        self._keyframe |= keyframe
        self._reference |= reference

    def _begin(self) -> None:
        """A NAL unit begins."""
        self._units.append(len(self._data))
        self._data += START_CODE

    def _whole(self, unit: memoryview) -> None:
        self._begin()
        self._data += unit
