"""More habits of time stamps: rates that change, clocks that stand still or begin anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.support.cameras.odd.camera import RATE, Camera, Shot
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import Rtp
from tests.support.cameras.odd.times import WITHIN_A_SECOND, Stamped

_TICKS = 90_000


@habit(
    "stray-stamps-ahead",
    "every 3 s one frame is stamped 9,800 s in the future, its neighbours are right",
    seen="as stray-stamps (MediaMTX #6255), the other way round",
    right="the stray one is put behind its predecessor: no gap, no new file",
)
class StrayStampsAhead(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + (9_800 * _TICKS if number % 30 == 17 else 0)


@habit(
    "keyframes-stamped-late",
    "a keyframe is stamped 0.25 s late, since it takes long to encode; the next frames are stamped before it",
    seen="encoders that stamp when they are done (thingino raptor #32)",
    right=WITHIN_A_SECOND,
)
class KeyframesStampedLate(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + (_TICKS // 4 if number % 20 == 0 else 0)


@habit(
    "stamps-in-microseconds",
    "time stamps count microseconds although the description says 90000",
    seen="smolrtsp #39",
    right=WITHIN_A_SECOND,
)
class StampsInMicroseconds(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts * 100 // 9


@habit(
    "stamps-tripled",
    "stamps are 3/10 s apart, frames come every 1/10 s",
    seen="as stamps-doubled: a frame rate set to a third of what comes",
    right=WITHIN_A_SECOND,
)
class StampsTripled(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return 3 * pts


@habit(
    "stamps-half-as-fast-again",
    "stamps are 3/20 s apart, frames come every 1/10 s",
    seen="as stamps-doubled: 30 frames a second come of a camera set to 20",
    right=WITHIN_A_SECOND,
)
class StampsHalfAsFastAgain(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts * 3 // 2


@habit(
    "stamps-doubled-and-jump",
    "stamps are 1/5 s apart, frames come every 1/10 s; every 6 s the stamps jump by +10 s",
    seen="as stamps-doubled and stamps-jump-often",
    right=WITHIN_A_SECOND,
)
class StampsDoubledAndJump(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return 2 * (pts + number // 60 * 5 * _TICKS)


@habit(
    "milliseconds-that-jump",
    "time stamps count milliseconds, and jump by +5 s every 6 s",
    seen="senders that forward a clock of their own, which is set (smolrtsp #39 and ex_nvr #404)",
    right=WITHIN_A_SECOND,
)
class MillisecondsThatJump(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return (pts + number // 60 * 5 * _TICKS) // 90


@habit(
    "stamps-count-frames",
    "the time stamp rises by one from frame to frame",
    seen="senders that count frames (Savant #182's kin)",
    right=WITHIN_A_SECOND,
)
class StampsCountFrames(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return number


@habit(
    "stamps-begin-anew",
    "time stamps begin anew every 6 s, as of a film that is played over and over",
    seen="looped files (VLC, go2rtc's ffmpeg sources)",
    right="no gap; every frame within a second of its time",
)
class StampsBeginAnew(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts % (6 * _TICKS)


@habit(
    "stamps-jump-far-back",
    "stamps jump by -6 hours once",
    seen="a camera whose clock is set while it streams (webrtc-streamer #223)",
    right="no gap; every frame within a second of its time",
)
class StampsJumpFarBack(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts - (6 * 3_600 * _TICKS if number >= 87 else 0)


@habit(
    "stamps-jump-often",
    "stamps jump by +5 s every 5 s; frames come on evenly",
    seen="cameras that set their clock again and again (ex_nvr #404)",
    right="no gap; every frame within a second of its time",
)
class StampsJumpOften(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + number // 50 * 5 * _TICKS


@habit(
    "stamps-stand-still",
    "every 8 s nothing comes for 3 s, in which the time stamps do not go on",
    seen="firmware whose encoder stops together with its clock (Axis dynamic frame rate without its stamps)",
    right="the pause is a gap as long as it; every frame within a second of its time",
)
class StampsStandStill(Camera):
    stamps_right = False

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            late_s = shot.number // 80 * 3.0
            yield replace(shot, true_s=shot.true_s + late_s, due_s=shot.due_s + late_s)


@habit(
    "rate-changes",
    "after 10 s frames come every 1/8.4 s, their stamps stay 1/10 s apart",
    seen="a camera that slows down at night and stamps as before (MediaMTX #5550)",
    right=WITHIN_A_SECOND,
)
class RateChanges(Camera):
    stamps_right = False
    pace = 8.4

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            true_s = min(shot.due_s, 10.0) + max(0.0, shot.due_s - 10.0) * RATE / cls.pace
            yield replace(shot, due_s=true_s, true_s=true_s)


@habit(
    "rate-halves",
    "after 10 s frames come every 1/5 s, their stamps stay 1/10 s apart",
    seen="as rate-changes: 25 frames a second by day, 12 at night",
    right=WITHIN_A_SECOND,
)
class RateHalves(RateChanges):
    pace = 5.0


@habit(
    "rate-doubles",
    "after 10 s frames come every 1/20 s, their stamps stay 1/10 s apart",
    seen="as rate-halves, in the morning",
    right=WITHIN_A_SECOND,
)
class RateDoubles(RateChanges):
    pace = 20.0


@habit(
    "stamps-of-fields",
    "a stamp in three is 1/30 s early, two are late: 2:3 pulldown",
    seen="video servers of analogue cameras",
)
class StampsOfFields(Stamped):
    stamps_right = True

    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + (-3_000, 1_500, 1_500)[number % 3]


@habit(
    "stamp-for-each-packet",
    "each packet of a frame is stamped a tick after the one before; the marker tells where it ends",
    seen="senders that stamp when they send (bluecherry #641's kin)",
)
class StampForEachPacket(Camera):
    # FFmpeg takes each for a frame of its own time; its parser puts them together.
    limit = 400

    def packets(self, number: int, packets: list[Rtp]) -> list[Rtp]:
        for at, packet in enumerate(packets):
            packet.timestamp += at
        return packets
