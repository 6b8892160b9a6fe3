"""A frame while it is put together, and whether it can be decoded once it is whole. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from nvr.recorder.sources.rtp.continuity import NONE, UNKNOWN, Continuity, Mark

__all__ = ["CodedFrame", "Counts", "FrameBuilder", "Sense", "pieces"]

_LENGTH: Final = struct.Struct(">I")
# What is as large stays a piece of its own: to put it together with others would be to copy it once more.
_PIECE_BYTES: Final = 4 << 10
# So many recovery points without an IDR picture: this camera has no others, and decoding has to begin at them.
_ALONE: Final = 2
# So many frames of a connection are compared with the one before, to see whether what they say of their order is so; of
# so many it must have been, to be believed of others.
_COMPARED: Final = 64
_ENOUGH: Final = 8
_ANY: Final = 1 << 16


class CodedFrame:
    """An access unit as MP4 has it, in pieces: each NAL unit after its length in four bytes. ``timestamp`` as in its
    packets; ``keyframe``: decoding can begin here; ``loss``: frames before it are missing, as
    ``nvr.recorder.media.packets.LOSSES`` has it; ``late``: that it was whole was seen only by a packet of a later read.
    """

    def __init__(self, parts: list[bytes], timestamp: int, keyframe: bool, loss: str, late: bool) -> None:
        self.parts = parts
        self.timestamp = timestamp
        self.keyframe = keyframe
        self.loss = loss
        self.late = late

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)


@dataclass(slots=True)
class Counts:
    """What went wrong: ``damaged`` frames that came in part, ``undecodable`` ones left out for want of what they refer
    to, ``malformed`` payloads, ``unmarked`` frames without a marker, units ``ignored`` since they hold no slice and are
    of no type that is known, frames in which units had to be ``split`` at start codes, and ``doubtful`` ones, of which
    a part may be missing though no packet is."""

    damaged: int = 0
    undecodable: int = 0
    malformed: int = 0
    unmarked: int = 0
    ignored: int = 0
    split: int = 0
    doubtful: int = 0


@dataclass(slots=True)
class Sense:
    """Whether what comes makes sense; counts only rise. ``units`` of types that the codec has, ``keyframes_begun`` and
    ``keyframes`` that were whole, whole ``frames`` whether or not they could be decoded, and how often a marker or
    another timestamp said that a frame ends (``ends``)."""

    units: int = 0
    keyframes_begun: int = 0
    keyframes: int = 0
    frames: int = 0
    ends: int = 0


def pieces(parts: list[bytes | memoryview], size: int) -> list[bytes]:
    """The same bytes, ``size`` at most, in few pieces that last."""
    if size < _PIECE_BYTES:
        return [b"".join(parts)] if parts else []
    found: list[bytes] = []
    small: list[bytes | memoryview] = []
    for part in parts:
        if len(part) >= _PIECE_BYTES and isinstance(part, bytes):
            if small:
                found.append(b"".join(small))
                small = []
            found.append(part)
        else:
            small.append(part)
    if small:
        found.append(b"".join(small))
    return found


class FrameBuilder:
    """The open frame, and what is known of the frames before it."""

    def __init__(self, codec: str, described: tuple[bytes, ...]) -> None:
        self.codec = codec
        self.sets: dict[tuple[int, int], bytes] = {}
        """Parameter sets that came, wherever: the last of each kind and, of picture parameter sets, identifier."""
        self._described = described
        self.counts = Counts()
        self.sense = Sense()
        self._parts: list[bytes | memoryview] = []
        self._bytes = 0
        self._owned = 0  # so many parts are no views
        # The open NAL unit: its header, which its length and this are to go before; where; its length so far; whether
        # its last fragment came. It stays open until another one begins or the frame ends.
        self._header = b""
        self._header_at = 0
        self._unit_bytes = 0
        self._fragment = False
        self._unit_ended = False
        # Fragmented units whose end was announced, and those that ended without.
        self._ends = self._unended = 0
        self._middle = b""  # how payloads begin that only go on with it
        self._pending: list[bytes] = []
        self._timestamp: int | None = None
        self._damaged = False
        self._damaged_by = "camera"
        self._deferred = False  # a marker said that it ends, which is not believed yet
        self._check = False  # units of it may hold start codes
        self._has_slice = False
        self._slices = 0
        self._usual_slices = 1
        # As many slices have frames since so many; how many more or fewer wear that off.
        self._steady_slices = 1
        self._alike = 0
        self._beginnings = 0
        self._begins_well = False
        self._keyframe = False
        self._recovery = -1  # frames until pictures are right, from a recovery point
        self._reference = False
        self._has_sets = False
        # Frames that follow a keyframe and are shown before it may refer to what was before it: where that is so, where
        # it always is, and whether this is one.
        self._open_group = self._broken_link = self._leading = False
        # Nothing is decodable before the first keyframe; that is no loss.
        self._waiting = True
        self._lost = ""
        # The packet before the open frame's first one is missing, so that its own beginning may be.
        self._suspect = True
        # Frames may be two fields of one timestamp, each with a marker of its own.
        self._may_be_fields = False
        self._finished_at: int | None = None
        self._recoveries = _ALONE
        self._leading_to: int | None = None  # the time of a keyframe before which nothing is left to refer to
        self._leading_lost = False
        # The last two frames in a row that were whole, and whether some may be missing behind them.
        self._before: Mark | None = None
        self._last: Mark | None = None
        self._head = b""
        self._doubtful = False
        # What frames say of their order: by which parameter sets, how many were compared, how many were right, and
        # whether one was not.
        self._order: Continuity | None = None
        self._compared = self._right = 0
        self._order_lies = False
        self._usual = 0  # ticks from frame to frame

    def settle(self) -> None:
        """What the payloads lie in is about to be written over: what is open of a frame is copied from there."""
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

    def _close(self) -> None:
        """The open NAL unit, if there is one, ends here."""
        if self._fragment:
            self._parts[self._header_at] = _LENGTH.pack(self._unit_bytes) + self._header
            self._fragment = False
        self._unit_ended = False

    def _damage(self, by: str) -> None:
        if not self._damaged:
            self._damaged, self._damaged_by = True, by
        self._fragment = self._unit_ended = self._check = self._deferred = False
        self._pending.clear()
        # What it holds is not needed any more, but that it is there is.
        self._forget()

    def _forget(self) -> None:
        self._parts.clear()
        self._bytes = self._owned = 0

    def _clear(self) -> None:
        self._forget()
        self._fragment = self._unit_ended = self._damaged = self._has_slice = False
        self._deferred = self._check = False
        self._keyframe = self._reference = self._begins_well = self._has_sets = False
        self._open_group = self._broken_link = self._leading = False
        self._recovery = -1
        self._beginnings = self._slices = 0

    def _judge(self, parts: list[bytes], damaged: bool, late: bool) -> CodedFrame | None:
        """The frame that ends here, if it can be decoded; counted if not."""
        timestamp = self._timestamp or 0
        if damaged:
            if (
                self._suspect
                and self._waiting
                and not self._lost
                and (not self._damaged or self._damaged_by == "camera")
            ):
                # The connection began in the middle of it.
                return None
            self.counts.damaged += 1
            self._doubtful = False
            if self._reference or not self._has_slice:
                self._waiting = True
            self._lost = self._lost or (self._damaged_by if self._damaged else "camera")
            return None
        sense = self.sense
        sense.frames += 1
        keyframe = self._keyframe
        if keyframe:
            sense.keyframes += 1
            self._recoveries = 0
        elif self._recovery >= 0:
            # A picture that is right at once is as good as an IDR picture. One that becomes right is where decoding
            # begins if nothing else does.
            self._recoveries += 1
            keyframe = self._recovery == 0 or self._waiting or self._recoveries >= _ALONE
        if self._doubtful:
            self._doubtful = False
            if not keyframe:
                self._believe_order(timestamp)
        if keyframe:
            is_open = self._open_group if self._keyframe else self._recovery == 0
            self._leading_to = timestamp if is_open and (self._waiting or self._broken_link) else None
            self._leading_lost = self._lost != ""
            self._waiting = False
        elif self._leading_to is not None:
            before = timestamp - self._leading_to & 0x80000000 != 0
            if self._leading if self.codec == "hevc" else before:
                self.counts.undecodable += self._leading_lost
                return None
            self._leading_to = None
        if self._waiting:
            self.counts.undecodable += bool(self._lost)
            return None
        last = self._last
        if last is not None and not self._lost:
            step = timestamp - last.timestamp & 0xFFFFFFFF
            if step < 0x80000000:
                usual = self._usual
                # A frame that the camera left out leaves a hole in time.
                if 4 * step > 7 * usual or self._compared < _COMPARED:
                    if not (keyframe or self._order_lies) and self._skips(last, timestamp, step, usual):
                        self._waiting = True
                        self._lost = "camera"
                        self.counts.undecodable += 1
                        return None
                    step = min(step, 2 * usual or step)
                self._usual = usual + (step - usual >> 3) if usual else step
        loss, self._lost = self._lost, ""
        self._before = None if loss else self._last
        self._last = Mark(self._head, timestamp, self._reference)
        return CodedFrame(parts, timestamp, keyframe, loss, late)

    def _continuity(self) -> Continuity:
        order = self._order
        if order is None:
            order = self._order = Continuity(self.codec, (*self._described, *self.sets.values()))
        return order

    def _skips(self, last: Mark, timestamp: int, step: int, usual: int) -> bool:
        """Whether frames that others refer to are missing before this one, which came as long after the last as says
        ``step``, although no packet is. Of a camera whose frames say what is so of their order; a hole in time is to be
        seen as well, since some number their frames as they like."""
        order = self._continuity()
        if not order.tells_skips:
            return False
        now = Mark(self._head, timestamp, self._reference)
        if usual and 4 * step > 7 * usual:
            return self._right >= _ENOUGH and order.skips(last, now, step // usual)
        self._compared += 1
        if order.skips(last, now, _ANY):
            self._order_lies = True
        else:
            self._right += 1
        return False

    def _believe_order(self, timestamp: int) -> None:
        """Packets are missing before this whole frame: if by its place in the order nothing is missing that it may
        refer to, decoding goes on."""
        if self._before is None or self._last is None:
            return
        missing = self._continuity().missing(self._before, self._last, Mark(self._head, timestamp, self._reference))
        if missing != UNKNOWN:
            self._waiting = False
            if missing == NONE:
                self._lost = ""
