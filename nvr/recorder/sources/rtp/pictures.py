"""From RTP payloads to frames: what H.264 and H.265 have in common. Pure.

A frame's packets share a timestamp. The next timestamp ends it, or a marker, once this camera's markers were seen to
tell the truth; and so does a slice that begins another frame, as of cameras whose frames share a time. Invariants: a
frame that is given out is whole as far as packet numbers can tell; NAL units keep their order and bytes; what holds no
slice never harms a frame; memory is bounded. After the loss of what others may refer to, frames are left out up to the
next one that can be decoded without them, and counted.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import Final

from nvr.recorder.sources.rtp.continuity import same_picture
from nvr.recorder.sources.rtp.frame import CodedFrame, FrameBuilder, pieces
from nvr.recorder.sources.rtp.units import is_set, kind_of, picture_set_id, recovery_frames, split_units

__all__ = ["CONTINUES", "FIRST", "OTHER", "Depacketiser"]

_CODE: Final = b"\x00\x00\x01"
_LENGTH: Final = struct.Struct(">I")
_LARGEST_BYTES: Final = 16 << 20
# More than a read buffer can hold.
_ROOM_BYTES: Final = 1 << 20
# Units without a slice that may wait for their frame.
_MOST_BEFORE_BYTES: Final = 1 << 20
# So many frames' markers must have been right, a keyframe's among them, before one is believed at once.
_CONFIRMED: Final = 3
# So many fragmented units must have announced their end for each that did not, before a camera is taken to do so.
_CONFIRMED_ENDS: Final = 8
# So many frames of a connection are searched for start codes within; of a camera that sends some, all.
_PROBED: Final = 16

# So many frames in a row must have had as many slices, for one that has fewer to be doubtful. Each takes that off by so
# much: another number may be usual from now on.
_ALIKE: Final = 64
_MOST_ALIKE: Final = 128
_WORN: Final = 8

OTHER, CONTINUES, FIRST = 0, 1, 2
"""What a payload begins with: nothing that would tell, more of a frame, the first slice of one."""


class Depacketiser(FrameBuilder, ABC):
    """The state between two packets. Subclasses read payloads; they add NAL units with ``_whole``, or with ``_begin``,
    ``_more``.

    A frame is kept in parts, many of which are views of what was read, and these are put together once, when it is
    whole: copying is what large frames cost. Who reads more into the same memory must call ``settle`` before. A frame
    whose end is not sure comes out with a later packet.
    """

    def __init__(self, codec: str, described: tuple[bytes, ...]) -> None:
        super().__init__(codec, described)
        self._trusted = False
        self._markers_lie = False
        self._confirmed = 0
        self._key_confirmed = False
        self._marked = False  # the last packet
        self._probes = _PROBED
        self._no_end_bits = False
        self._unheard = 0
        self._newest = 0
        self._done: list[CodedFrame] = []
        self.finished = 0
        """Frames that ended, whole or not."""
        self.finished_late = False
        """Whether the last of them had ended before the packet that said so."""

    def feed(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> tuple[CodedFrame, ...]:
        """Takes the next packet's payload, ``lost`` packets being missing right before it; returns what it
        completed."""
        if lost or not len(payload) or self._unheard:
            lost, self._unheard = lost + self._unheard, 0
            if not len(payload):
                self._unheard = lost
                return ()
        between = False
        if lost:
            between = self._missing(payload, timestamp)
        if timestamp != self._timestamp:
            if lost or self._marked or not self._has_slice or self._role(payload) != CONTINUES:
                self._next_time(timestamp)
        elif self._deferred or self._damaged:
            self._doubt(payload)
        if between:
            # Perhaps whole frames are missing, and the beginning of this one.
            self._doubtful = not self._waiting
            self._waiting = self._suspect = True
        if self._bytes + len(payload) > _LARGEST_BYTES:
            self._too_large()
        if not self._damaged and not self._payload(payload):
            self.counts.malformed += 1
            self._damage("camera")
        self._marked = marker
        if marker:
            self._at_marker()
        if self._done:
            done = tuple(self._done)
            self._done.clear()
            return done
        return ()

    def end(self, *, goodbye: bool = False) -> tuple[CodedFrame, ...]:
        """No more packets come: the frame that is open, if it is whole. ``goodbye``: the camera said so, and has
        therefore sent all of it."""
        if self._check:
            self._resolve()
        ended = not self._fragment or self._unit_ended or self._no_end_bits
        if self._has_slice and not self._damaged and (
            self._deferred or (ended and (goodbye or self._slices >= self._usual_slices))
        ):  # fmt: skip
            self._finish(late=True)
        done = tuple(self._done)
        self._done.clear()
        return done

    def pause(self) -> tuple[CodedFrame, ...]:
        """Nothing has come for seconds: the open frame, if a marker ended it or it has as many slices as the one
        before, whole ones. A frame that is cut in two by that is one of which something is missing."""
        ended = not self._fragment or self._unit_ended
        if not self._has_slice or self._damaged:
            return ()
        if self._deferred:
            self._confirm()
        elif not (ended and self.finished and self._slices >= self._usual_slices):
            return ()
        self._finish(late=True)
        done = tuple(self._done)
        self._done.clear()
        return done

    def restart(self) -> tuple[CodedFrame, ...]:
        """The sender began anew: what is open will not be completed, and nothing may refer to what was before."""
        done = self.end()
        if self._has_slice or self._damaged:
            self._damaged = True
            self._finish(late=True)
        self._clear()
        self._pending.clear()
        if not self._waiting:
            self._lost = self._lost or "camera"
        self._waiting = self._suspect = True
        self._before = self._last = None
        self._doubtful = False
        self._timestamp = self._finished_at = None
        return done

    def going_on(self) -> bytes | None:
        """If a fragmented NAL unit is open, how payloads begin that hold nothing but more of it. Whoever sees to it
        that they do, that they have this ``timestamp``, and that none is missing, may give what is behind that
        beginning to ``gone_on``, a read buffer's worth at most: that is what most packets are."""
        if (
            not self._fragment
            or self._unit_ended
            or self._damaged
            or self._deferred
            or self._bytes > _LARGEST_BYTES - _ROOM_BYTES
        ):
            return None
        return self._middle

    @property
    def timestamp(self) -> int:
        """That of the open frame."""
        return self._timestamp or 0

    @property
    def newest(self) -> int:
        """The latest timestamp that came, whichever frame it was of."""
        return self._newest

    @property
    def is_open(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._has_slice

    def gone_on(self, more: bytes) -> None:
        """The open NAL unit goes on with these bytes."""
        self._marked = False
        self._parts.append(more)
        self._bytes += len(more)
        self._unit_bytes += len(more)

    # Where frames end ------------------------------------------------------------------------------------------------

    def _missing(self, payload: memoryview, timestamp: int) -> bool:
        """Packets are missing before this one: what that does to the open frame. Says whether whole frames may be
        missing too."""
        is_open = self._has_slice or self._damaged or self._fragment
        if self._deferred and (timestamp != self._timestamp or self._role(payload) == FIRST):
            # A marker had ended it.
            self._finish(late=True)
            self._lost = self._lost or "network"
            return True
        if timestamp == self._timestamp and (is_open or self._parts):
            self._damage("network")
            return False
        if is_open:
            self._damage("network")
        self._lost = self._lost or "network"
        return True

    def _next_time(self, timestamp: int) -> None:
        """Another timestamp: the open frame is over. Units without a slice that came with a timestamp of their own
        belong to the frame that follows."""
        if not self._is_before():
            self.sense.ends += self._markers_lie or not self._marked
        if self._check:
            self._resolve()
        if self._has_slice or self._damaged:
            if self._deferred:
                self._confirm()
            elif not self._damaged:
                is_unmarked = not (self._markers_lie or self._may_be_fields)
                self.counts.unmarked += is_unmarked
                if is_unmarked and self._is_cut_off():
                    self._damage("camera")
            self._finish(late=True)
        else:
            self._close()
            if self._bytes > _MOST_BEFORE_BYTES:
                self.counts.ignored += 1
                self._clear()
        if self._timestamp is None or timestamp - self._newest & 0x80000000 == 0:
            self._newest = timestamp
        self._timestamp = timestamp

    def _doubt(self, payload: memoryview) -> None:
        """More comes with the timestamp of a frame that a marker ended, or that is damaged."""
        role = self._role(payload)
        if role == CONTINUES and self._deferred:
            # The marker stood on a slice, or on a fragment.
            self._markers_lie = True
            self._deferred = False
        elif role == FIRST and self._damaged and not self._may_be_fields:
            self._finish(late=True)

    def _at_marker(self) -> None:
        if not self._is_before():
            self.sense.ends += not self._markers_lie
        if self._check and not self._has_slice:
            self._resolve()
        if self._markers_lie or not (self._has_slice or self._damaged):
            return
        if self._may_be_fields and self._beginnings < 2 and not self._damaged:
            # Two fields of one timestamp have a marker each.
            return
        if self._trusted and (not self._fragment or self._unit_ended):
            self._finish(late=False)
        else:
            self._deferred = True

    def _is_before(self) -> bool:
        """Whether all that is open are units that stand before a frame, such as a delimiter with a marker and a time of
        its own: no frame ends with them."""
        return bool(self._parts) and not (self._has_slice or self._damaged)

    def _confirm(self) -> None:
        """The marker was where the frame ended."""
        self._confirmed += 1
        self._key_confirmed |= self._keyframe or self._recovery >= 0
        self._trusted = self._confirmed >= _CONFIRMED and self._key_confirmed

    def _too_large(self) -> None:
        if self._has_slice or self._fragment:
            self._damage("camera")
        else:
            self.counts.ignored += 1
            self._clear()

    # What subclasses read payloads with ------------------------------------------------------------------------------

    @abstractmethod
    def _at_sps(self, unit: bytes) -> None:
        """Takes from a parameter set what decides how frames are told apart."""

    def _at_messages(self, unit: bytes | memoryview) -> None:
        if self._recovery < 0:
            self._recovery = recovery_frames(self.codec, unit)

    def _may_begin(self, is_slice: bool, head: bytes) -> bool:
        """A fragmented unit begins while another is open of which neither a packet is missing nor the end came. Of a
        camera that announces the ends of its units that one was cut, or this is no beginning. Of others it is one if it
        looks like it."""
        if self._announces_ends:
            return False
        if is_slice and self._has_slice and not same_picture(self.codec, self._head, head):
            return False
        self._unended += 1
        return True

    @property
    def _announces_ends(self) -> bool:
        return self._ends >= _CONFIRMED_ENDS and self._unended * _CONFIRMED_ENDS <= self._ends

    def _is_cut_off(self) -> bool:
        """Whether the open frame, which has no marker, lacks slices: it has fewer than the frame before, of a camera
        whose frames have markers."""
        marks = self._trusted and self.counts.unmarked * _CONFIRMED_ENDS <= self.finished
        return marks and self._slices < self._usual_slices

    def _is_cut(self, unit: bytes) -> bool:
        """Whether a parameter set is the beginning of one that is known, and nothing else."""
        key = kind_of(self.codec, unit), picture_set_id(self.codec, unit)
        known = self.sets.get(key)
        if known is None:
            same = (other for other in self._described if kind_of(self.codec, other) == key[0])
            known = next((other for other in same if picture_set_id(self.codec, other) == key[1]), b"")
        return len(unit) < len(known) and known.startswith(unit)

    def _at_set(self, unit: memoryview) -> None:
        data = bytes(unit)
        if not is_set(self.codec, data) or self._is_cut(data):
            # A decoder would refuse the frame, or believe it.
            self.counts.ignored += 1
            return
        if _CODE in data:
            parts = split_units(self.codec, data)
            if parts != [data]:
                self.counts.split += 1
                for part in parts:
                    self._unit(memoryview(part))
                return
        self._parameters(data)
        self._at_sps(data)
        self._whole(unit)

    @abstractmethod
    def _payload(self, payload: memoryview) -> bool:
        """Takes the NAL units of a payload, which is not empty; False if part of a slice can't be read."""

    @abstractmethod
    def _role(self, payload: memoryview) -> int:
        """What a payload begins with."""

    @abstractmethod
    def worth(self, payload: memoryview) -> int:
        """What a payload says of whether it is of this codec; see ``admission``."""

    @abstractmethod
    def _unit(self, unit: memoryview) -> None:
        """Takes a whole NAL unit, which is not empty."""

    def _slice(self, head: bytes, *, first: bool, keyframe: bool, reference: bool) -> None:
        """A slice begins with this: the ``first`` of its frame or field, or not."""
        if head[0] & 0x80:
            # Forbidden: whoever forwarded it says that it has errors, and no decoder takes it.
            self._has_slice = True
            self._reference |= reference
            self._damage("camera")
            return
        if self._has_slice:
            if first and not (self._may_be_fields and self._beginnings < 2):
                # Another frame of the same time.
                if self._deferred:
                    self._confirm()
                self._finish(late=True)
            else:
                if self._deferred:
                    # The marker stood on a slice.
                    self._markers_lie, self._deferred = True, False
                if self._pending:
                    pending, self._pending = self._pending, []
                    for unit in pending:
                        self._append(memoryview(unit))
        self._beginnings += first
        self._slices += 1
        if not self._has_slice:
            self._has_slice = True
            self._head = head
            self._begins_well = first
            if not first and self._timestamp == self._finished_at:
                # The rest of a frame that a marker has ended already: this camera marks slices, not frames.
                self._markers_lie = self._suspect = True
                self._trusted = False
                self._lost = self._lost or "camera"
        if keyframe and not self._keyframe:
            self.sense.keyframes_begun += 1
            self._keyframe = True
        self._reference |= reference

    def _begin(self, header: bytes) -> None:
        """A fragmented NAL unit begins, with this header; ``_more`` of it comes."""
        self._header, self._header_at, self._unit_bytes = header, len(self._parts), len(header)
        self._parts.append(header)
        self._bytes += 4 + len(header)
        self._fragment = True
        self.sense.units += 1

    def _more(self, data: memoryview) -> None:
        self._parts.append(data)
        self._bytes += len(data)
        self._unit_bytes += len(data)

    def _whole(self, unit: memoryview) -> None:
        self.sense.units += 1
        self._append(unit)

    def _behind_slices(self, unit: memoryview) -> bool:
        """A unit of a type that stands in front of frames. Behind slices it is of their frame only if another slice of
        it follows: then it waits, and is taken again where it belongs."""
        if self._has_slice:
            self._pending.append(bytes(unit))
        return self._has_slice

    def _waits(self, kind: int, unit: memoryview, in_front: frozenset[int]) -> bool:
        """Whether a unit that holds no slice stands between the fragments of one that does: that one goes on behind
        it."""
        if not self._fragment or self._unit_ended or not self._has_slice:
            return False
        if kind in in_front:
            self._pending.append(bytes(unit))
        else:
            self.counts.ignored += 1
        return True

    def _append(self, unit: memoryview) -> None:
        self._parts.append(_LENGTH.pack(len(unit)))
        self._parts.append(unit)
        self._bytes += 4 + len(unit)

    def _parameters(self, unit: bytes) -> None:
        """A parameter set came."""
        self._has_sets = True
        if is_set(self.codec, unit):
            key = kind_of(self.codec, unit), picture_set_id(self.codec, unit)
            if self.sets.get(key) != unit:
                self._order = None
                self.sets[key] = unit

    # The end of a frame ----------------------------------------------------------------------------------------------

    def _resolve(self) -> None:
        """Splits what was taken for one NAL unit and holds several."""
        self._check = False
        self._close()
        data = b"".join(self._parts)
        units: list[bytes] = []
        at = 0
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            units.append(data[at + 4 : end])
            at = end
        split = [part for unit in units for part in split_units(self.codec, unit)]
        if split == units:
            return
        self._probes = _PROBED
        self.counts.split += 1
        deferred = self._deferred
        self._clear()
        for unit in split:
            self._unit(memoryview(unit))
        self._deferred = deferred

    def _other_slices(self) -> None:
        """A frame has another number of slices than those before it."""
        if self._alike < _ALIKE:
            self._steady_slices, self._alike = self._slices, 0
            return
        self._alike -= _WORN
        self.counts.doubtful += self._slices < self._steady_slices and not self._keyframe

    def _finish(self, *, late: bool) -> None:
        """The open frame ends here, ``late`` if a packet behind it says so. What stood behind its slices begins the
        next one."""
        if late and self._fragment and not (self._unit_ended or self._damaged):
            if self._announces_ends and self._trusted and not self._deferred:
                # Neither its end came nor a marker, from a camera that sends both.
                self._damage("camera")
            else:
                # A marker of a camera that announces ends: it may have forgotten, or somebody has set it.
                self.counts.doubtful += self._announces_ends
                self._no_end_bits = True
                self._unended += 1
        self._close()
        settled = late and self._owned == len(self._parts)
        if not self._damaged and (self._check or self._probes):
            self._probes = max(0, self._probes - 1)
            self._resolve()
            if not self._has_slice:
                return
        self.finished, self.finished_late = self.finished + 1, late
        damaged = self._damaged or not self._begins_well
        parts = [] if damaged else pieces(self._parts, self._bytes)
        found = self._judge(parts, damaged, settled)
        if not damaged:
            self._usual_slices = self._slices
            if self._slices != self._steady_slices:
                self._other_slices()
            elif self._alike < _MOST_ALIKE:
                self._alike += 1
        self._clear()
        self._suspect = False
        self._finished_at = self._timestamp
        if found is not None:
            self._done.append(found)
        if self._pending:
            pending, self._pending = self._pending, []
            for unit in pending:
                self._unit(memoryview(unit))
