"""Which packets on a track's channel are the track's, and in what order (RFC 3550). Pure.

Cameras put more on a channel than the stream: packets without payload that keep something alive, private ones of
another payload type, those of an older session. They are told apart, and where they share the stream's numbers they
explain the numbers that the stream lacks. Whatever might be the stream itself under another name (another payload type,
another SSRC, numbers that begin anew) is held back until it is clear, then taken as if nothing had been. Invariants:
what is held is bounded; a packet is admitted once; numbers of admitted packets rise.
"""

from __future__ import annotations

from typing import Final, Protocol

from nvr.recorder.sources.rtp.rtp import RtpPacket, Sequence

__all__ = ["NOTHING", "PLAUSIBLE", "SLICE", "STARTS", "WRONG", "Admission", "Admitted", "JudgedTrack"]

WRONG, NOTHING, PLAUSIBLE, SLICE, STARTS = -1, 0, 1, 2, 3
"""What a payload is worth as evidence: it can't be of this codec; it says nothing; it may be; it begins a frame;
decoding can start with it."""

# Packets behind a missing one that are waited with for it, and how long: relays of what came over UDP change the order
# by a few.
_MOST_AHEAD: Final = 8
_LONGEST_AHEAD_US: Final = 200_000
_MOST_ASIDE: Final = 64
_MOST_OTHERS: Final = 4
_MOST_HELD_BYTES: Final = 4 << 20
# Frames, told by their times, that another stream must show.
_FRAMES: Final = 3
# A stream of so few packets may itself be the stray.
_ESTABLISHED: Final = 8
_SILENT_US: Final = 5_000_000
# So many late packets in a row are no repetition: the camera counts anew; of those that are far behind, or of a time
# that is new, two.
_LATE_IN_ROW: Final = 64
_FAR: Final = 1000


class JudgedTrack(Protocol):
    """What must be known of a track to judge a packet."""

    def is_newer(self, timestamp: int) -> bool:
        """Whether nothing of this time has come before."""

    def follows(self, timestamp: int) -> bool:
        """Whether, by its time, nothing can be missing before this one."""

    def may_follow(self, timestamp: int) -> bool:
        """The same, or, while it is not known how far frames are apart, whether it is of about now."""

    def worth(self, payload: memoryview) -> int:
        """``WRONG`` … ``STARTS``."""


class _Nobody:
    """In the place of a track that has ended."""

    def is_newer(self, timestamp: int) -> bool:
        return False

    def follows(self, timestamp: int) -> bool:
        return False

    def may_follow(self, timestamp: int) -> bool:
        return False

    def worth(self, payload: memoryview) -> int:
        return WRONG


class Admitted:
    """A packet of the track, ``lost`` ones being missing right before it; ``anew``: the sender began anew before it. It
    came at ``arrived_us``."""

    def __init__(self, packet: RtpPacket, lost: int, anew: bool, arrived_us: int) -> None:
        self.packet = packet
        self.lost = lost
        self.anew = anew
        self.arrived_us = arrived_us


class _Held:
    """A packet whose bytes are kept."""

    def __init__(self, packet: RtpPacket, arrived_us: int) -> None:
        self.packet = RtpPacket(
            packet.marker,
            packet.payload_type,
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
            memoryview(bytes(packet.payload)),
        )
        self.arrived_us = arrived_us


class _Other:
    """What may be the track under another payload type or SSRC. ``received``: packets of the track before it; another
    one since, and it is not."""

    def __init__(self, received: int) -> None:
        self.received = received
        self.held: list[_Held] = []
        self.bytes = 0
        self.frames = 0
        self.slices = 0
        self.starts = False

    def add(self, packet: RtpPacket, now_us: int, worth: int) -> None:
        self.frames += not self.held or packet.timestamp != self.held[-1].packet.timestamp
        self.slices += worth >= SLICE
        self.starts = self.starts or worth == STARTS
        self.bytes += len(packet.payload)
        self.held.append(_Held(packet, now_us))


class Admission:
    """Of one channel. ``payload_type`` is the one believed: that of the description, or another if that never comes."""

    def __init__(self, sequence: Sequence, described: int, track: JudgedTrack) -> None:
        self.payload_type = described
        self.ignored = 0
        self.said_goodbye = False
        self._described = described
        self._sequence = sequence
        self._track: JudgedTrack = track
        self._aside: list[int] = []
        self._aside_shares = True
        self._ahead: list[_Held] = []
        self._anew: _Held | None = None
        self._late_in_row = 0
        self._late_after = 0
        self._others: dict[tuple[int, int], _Other] = {}

    @property
    def plain_type(self) -> int:
        """The payload type of packets that need no judgement if they are next in number; -1 while there are none."""
        return -1 if self._ahead or self._anew is not None else self.payload_type

    def waits_since(self, now_us: int) -> int:
        """For how long packets have waited for those that are missing before them, microseconds; 0 if none do."""
        return now_us - self._ahead[0].arrived_us if self._ahead else 0

    def let_go(self) -> None:
        """Nothing comes any more: forgets what was held, and the track."""
        self._ahead.clear()
        self._others.clear()
        self._anew = None
        self._track = _Nobody()

    def take(self, packet: RtpPacket, now_us: int) -> list[Admitted]:
        """Judges the next packet; returns those that are admitted now."""
        sequence = self._sequence
        if packet.payload_type != self.payload_type:
            if packet.payload_type != self._described or packet.ssrc != sequence.ssrc:
                return self._take_other(packet, now_us)
            # The description's type comes after all.
            self.payload_type = self._described
        elif sequence.ssrc is not None and packet.ssrc != sequence.ssrc:
            if not self._goes_on(packet):
                return self._take_other(packet, now_us)
            sequence.ssrc = packet.ssrc
        if not len(packet.payload):
            self._step_aside(packet)
            return []
        self._others.clear()
        self.said_goodbye = False
        found: list[Admitted] = []
        if sequence.ssrc is None:
            self._begin(packet, now_us, False, found)
            return found
        step = packet.sequence - sequence.highest & 0xFFFF
        if step == 1 or (0 < step < 0x8000 and self._missing(step) == 0):
            self._admit(packet, step, now_us, found)
            self._drain(found)
        elif _FAR < step < 0x8000 and self._track.follows(packet.timestamp):
            self._begin(packet, now_us, False, found)
        elif 0 < step < 0x8000:
            self._hold_ahead(packet, step, now_us)
        elif self._is_anew(packet, step, now_us):
            first, self._anew = self._anew, None
            if first is not None:
                self._begin(first.packet, first.arrived_us, not self._track.follows(first.packet.timestamp), found)
                self._admit(packet, 1, now_us, found)
            else:
                self._begin(packet, now_us, True, found)
        if self._ahead and (
            len(self._ahead) >= _MOST_AHEAD or now_us - self._ahead[0].arrived_us >= _LONGEST_AHEAD_US
        ):  # fmt: skip
            self.release(found)
        return found

    def release(self, found: list[Admitted]) -> None:
        """Waits no longer for what is missing."""
        ahead, self._ahead = self._ahead, []
        for held in ahead:
            step = held.packet.sequence - self._sequence.highest & 0xFFFF
            if 0 < step < 0x8000:
                self._admit(held.packet, step, held.arrived_us, found)

    # The track's own packets -----------------------------------------------------------------------------------------

    def _begin(self, packet: RtpPacket, arrived_us: int, anew: bool, found: list[Admitted]) -> None:
        """The count begins with this packet."""
        sequence = self._sequence
        sequence.restarts += sequence.ssrc is not None
        sequence.begin(packet.sequence, packet.ssrc)
        self._aside.clear()
        self._ahead.clear()
        self._anew = None
        found.append(Admitted(packet, 0, anew, arrived_us))

    def _admit(self, packet: RtpPacket, step: int, arrived_us: int, found: list[Admitted]) -> None:
        lost = self._missing(step)
        if step > 1 and self._aside:
            highest = self._sequence.highest
            self._aside = [number for number in self._aside if not 0 < number - highest & 0xFFFF < step]
        self._sequence.step(step, lost)
        self._anew = None
        found.append(Admitted(packet, lost, False, arrived_us))

    def _missing(self, step: int) -> int:
        """How many of the numbers that a packet so far on leaves out have not come otherwise."""
        if step == 1:
            return 0
        highest = self._sequence.highest
        return step - 1 - sum(0 < number - highest & 0xFFFF < step for number in self._aside)

    def _hold_ahead(self, packet: RtpPacket, step: int, now_us: int) -> None:
        highest, at = self._sequence.highest, len(self._ahead)
        while at and self._ahead[at - 1].packet.sequence - highest & 0xFFFF >= step:
            at -= 1
            if self._ahead[at].packet.sequence == packet.sequence:
                self._sequence.duplicates += 1
                return
        self._ahead.insert(at, _Held(packet, now_us))

    def _drain(self, found: list[Admitted]) -> None:
        """What was missing came: so do those behind it, as far as none is missing between them."""
        while self._ahead:
            held = self._ahead[0]
            step = held.packet.sequence - self._sequence.highest & 0xFFFF
            if 0 < step < 0x8000 and self._missing(step):
                return
            del self._ahead[0]
            if 0 < step < 0x8000:
                self._admit(held.packet, step, held.arrived_us, found)

    def _is_anew(self, packet: RtpPacket, step: int, now_us: int) -> bool:
        """Whether a packet that is behind shows that the camera counts anew, and does not send something twice."""
        anew = self._anew
        if anew is not None and packet.sequence == anew.packet.sequence + 1 & 0xFFFF:
            self._sequence.duplicates -= 1
            return True
        self._sequence.duplicates += 1
        if self._sequence.received != self._late_after:
            self._late_in_row, self._late_after = 0, self._sequence.received
        self._late_in_row += 1
        self._anew = None
        if (step and 0x10000 - step > _FAR) or self._track.is_newer(packet.timestamp):
            self._anew = _Held(packet, now_us)
        if self._late_in_row < _LATE_IN_ROW:
            return False
        self._anew = None
        return True

    # Others' packets -------------------------------------------------------------------------------------------------

    def _step_aside(self, packet: RtpPacket) -> None:
        """What holds nothing for the track; its number may be one of the track's."""
        self.ignored += 1
        highest = self._sequence.highest
        if self._aside and not 0 < self._aside[0] - highest & 0xFFFF <= _MOST_ASIDE:
            # A packet of the track had the same number: they are not shared, and explain nothing.
            self._aside_shares = False
            self._aside.clear()
        # Of another sender it is one of the track's only if it is the next one.
        most = _MOST_ASIDE if packet.ssrc == self._sequence.ssrc else len(self._aside) + 1
        if self._aside_shares and 0 < packet.sequence - highest & 0xFFFF <= most and len(self._aside) < _MOST_ASIDE:
            self._aside.append(packet.sequence)

    def _goes_on(self, packet: RtpPacket) -> bool:
        """Whether a packet of another SSRC is simply the next one: there are cameras that have one for each frame. Of
        another sender both number and time would be so by a rare chance, and only its first packet counts."""
        return (
            packet.sequence == self._sequence.highest + 1 & 0xFFFF
            and len(packet.payload) > 0
            and (packet.payload_type, packet.ssrc) not in self._others
            and self._track.may_follow(packet.timestamp)
        )

    def _take_other(self, packet: RtpPacket, now_us: int) -> list[Admitted]:
        sequence = self._sequence
        self._step_aside(packet)
        if not len(packet.payload):
            return []
        key = (packet.payload_type, packet.ssrc)
        worth = self._track.worth(packet.payload)
        other = self._others.get(key)
        if (
            worth == WRONG
            or other is None
            or other.received != sequence.received
            or not 0 < packet.sequence - other.held[-1].packet.sequence & 0xFFFF <= _FAR
            or other.bytes > _MOST_HELD_BYTES
        ):
            self._others.pop(key, None)
            if worth == WRONG:
                return []
            if len(self._others) >= _MOST_OTHERS:
                self._others.clear()
            other = self._others[key] = _Other(sequence.received)
        other.add(packet, now_us, worth)
        return self._adopt(other) if self._believes(other, key, now_us) else []

    def _believes(self, other: _Other, key: tuple[int, int], now_us: int) -> bool:
        """Whether this is the track."""
        sequence, first = self._sequence, other.held[0]
        if other.frames < _FRAMES or not other.slices:
            return False
        if sequence.ssrc is None:
            return True
        step = first.packet.sequence - sequence.highest & 0xFFFF
        if key[0] != self.payload_type:
            return key[1] == sequence.ssrc and 0 < step <= _FAR and other.slices >= _FRAMES
        return (
            self.said_goodbye
            or step == 1
            or other.starts
            or sequence.received < _ESTABLISHED
            or self._track.follows(first.packet.timestamp)
            or now_us - first.arrived_us >= _SILENT_US
        )

    def _adopt(self, other: _Other) -> list[Admitted]:
        sequence, first = self._sequence, other.held[0].packet
        found: list[Admitted] = []
        self._others.clear()
        self.payload_type = first.payload_type
        is_first = sequence.ssrc is None
        seamless = is_first or first.sequence == sequence.highest + 1 & 0xFFFF or self._track.follows(first.timestamp)
        self.release(found)
        self._aside.clear()
        for held in other.held:
            if held.packet is first and (is_first or first.ssrc != sequence.ssrc):
                self._begin(first, held.arrived_us, not seamless, found)
            else:
                step = held.packet.sequence - sequence.highest & 0xFFFF
                self._admit(held.packet, step, held.arrived_us, found)
        self.ignored -= len(other.held)
        return found
