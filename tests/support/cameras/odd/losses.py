"""Habits of loss: packets and frames that were sent and never came, and numbers that are missing although
nothing is."""

from __future__ import annotations

import dataclasses

from tests.support.cameras.odd.camera import H264, H265, Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp

GAP = "the frames up to the next keyframe are a gap, cause corrupt, class network; the rest is recorded"
_B_FRAMES = dataclasses.replace(H264, b_frames=1, encoder=":b-adapt=0:b-pyramid=none")


class Losing(Camera):
    """A camera of which packets get lost on the way."""

    def lose(self, number: int, packets: list[Rtp], first: int, count: int) -> list[Rtp]:
        """The packets of a frame without some; numbers are as if they had been sent."""
        assert self.sequence is not None
        if len(packets) >= first + count:
            self.spoiled.add(number)
        at = self.sequence
        for packet in packets:
            packet.sequence, at = at, at + 1 & 0xFFFF
        self.sequence = at
        return packets[:first] + packets[first + count :]


@habit("lossy-h265", "H.265: every 5 s a packet of a frame is lost", seen="as lossy", right=GAP)
class LossyH265(Losing):
    clip_spec = H265
    limit = 400

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, 0, 1) if number % 50 == 33 else packets


@habit(
    "lossy-in-the-middle",
    "every 5 s a fragment in the middle of a keyframe is lost",
    seen="the large frames are those that burst a buffer (Frigate #3754: RTP: missed 32 packets)",
    right=GAP,
)
class LossyInTheMiddle(Losing):
    limit = 300

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, len(packets) // 2, 1) if number % 60 == 40 else packets


@habit(
    "lossy-at-the-end",
    "every 5 s the last packet of a frame, which has the marker, is lost",
    seen="as lossy",
    right=GAP,
)
class LossyAtTheEnd(Losing):
    limit = 300

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, len(packets) - 1, 1) if number % 50 == 33 else packets


@habit(
    "lost-frames",
    "every 5 s a whole frame is lost",
    seen="senders that drop what they can't send (thingino, raptor)",
    right=GAP,
)
class LostFrames(Losing):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, 0, len(packets)) if number % 50 == 33 else packets


@habit(
    "lost-second",
    "every 7 s all packets of a second are lost, a keyframe among them",
    seen="Wi-Fi (Frigate #3754: RTP: missed 1026 packets)",
    right=GAP,
)
class LostSecond(Losing):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, 0, len(packets)) if 35 <= number % 70 < 45 else packets


@habit(
    "lost-disposable-frames",
    "every 3 s a frame is lost to which no other refers",
    seen="networks that drop by priority; temporal layers (SVC-T)",
    right="only that frame is missing, cause corrupt, class network",
)
class LostDisposableFrames(Losing):
    clip_spec = _B_FRAMES

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        units = self.clip().video.units
        unit = units[number % len(units)]
        disposable = all(not nal[0] & 0x60 for nal in unit.payload if nal[0] & 0x1F == 1) and not unit.keyframe
        return self.lose(number, packets, 0, len(packets)) if disposable and number % 30 in (12, 13) else packets


@habit(
    "lossy-without-markers",
    "no packet has a marker, and every 5 s a packet is lost",
    seen="restreamers of raw pipes over a bad line",
    right=GAP,
)
class LossyWithoutMarkers(Losing):
    limit = 300

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for packet in packets:
            packet.marker = False
        return self.lose(number, packets, 1, 1) if number % 50 == 33 else packets


@habit(
    "lossy-slices",
    "a frame is many slices, each a packet of its own, and every 5 s one of them is lost",
    seen="low-latency encoders",
    right=GAP,
)
class LossySlices(Losing):
    clip_spec = dataclasses.replace(H264, encoder=":slices=4")

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, len(packets) - 2, 1) if number % 50 == 33 else packets


@habit(
    "numbers-skip",
    "every 3 s the packets' numbers go on five further, between two frames; nothing is missing",
    seen="cameras that count what they send to another client (raptor); encoders that drop before they send",
    right="what the frames say of their order tells that nothing is missing: every frame is recorded",
)
class NumbersSkip(Camera):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        assert self.sequence is not None
        if number % 30 == 17:
            self.sequence = self.sequence + 5 & 0xFFFF
        return packets


@habit(
    "lossy-sound-beside",
    "every 5 s a packet of a frame is lost; beside it AAC, whose packets get lost too",
    seen="as lossy, with sound",
    right=GAP,
)
class LossySoundBeside(Losing):
    clip_spec = dataclasses.replace(H264, audio="aac")
    settings = {"audio": True}  # noqa: RUF012

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.lose(number, packets, 0, 1) if number % 50 == 33 else packets

    def sound(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return [] if number % 40 == 7 else packets


LEFT_OUT = "the frames up to the next keyframe are a gap, cause corrupt, class camera; the rest is recorded"


class LeavingOut(Camera):
    """A camera that drops frames before it numbers their packets."""

    def leave_out(self, number: int) -> list[Rtp]:
        self.spoiled.add(number)
        return []


@habit(
    "drops-frames",
    "every 5 s a frame is dropped before its packets are numbered: none is missing, and its time is left out",
    seen="as lost-frames: senders that drop what they can't send, and number what they do",
    right=LEFT_OUT,
)
class DropsFrames(LeavingOut):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.leave_out(number) if number % 50 == 33 else packets


@habit("drops-frames-h265", "H.265: the same", seen="as drops-frames", right=LEFT_OUT)
class DropsFramesH265(DropsFrames):
    clip_spec = H265


@habit(
    "drops-keyframes",
    "every third keyframe is dropped before its packets are numbered, and what refers to it is sent",
    seen="as drops-frames: the largest frames are those that find no room",
    right=LEFT_OUT,
)
class DropsKeyframes(LeavingOut):
    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        return self.leave_out(number) if number % 60 == 40 else packets


@habit("drops-keyframes-h265", "H.265: the same", seen="as drops-keyframes", right=LEFT_OUT)
class DropsKeyframesH265(DropsKeyframes):
    clip_spec = H265
