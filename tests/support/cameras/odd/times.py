"""Habits of time: stamps that are wrong, jump or repeat, frames that come late, in bursts or hardly ever, and reports
of the camera's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from nvr.demo.rtsp import DemoRequest
from tests.support.cameras.clips import ClipSpec
from tests.support.cameras.odd.camera import LONG_GROUP, RATE, Camera, Shot
from tests.support.cameras.odd.habit import habit

_TICKS = 90_000
WITHIN_A_SECOND = "every frame is recorded within a second of its time"


class Stamped(Camera):
    """A camera whose stamps are wrong; a habit says how."""

    stamps_right = False

    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        """The stamp of a frame."""
        return pts

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            yield replace(shot, pts=cls.stamp(shot.number, shot.pts))


@habit(
    "slower-than-stamped",
    "stamps are 1/10 s apart, frames come every 1/8.4 s",
    seen="open-nvr #229, MediaMTX #5550: 25 fps declared, 21 sent",
    right=WITHIN_A_SECOND,
)
class SlowerThanStamped(Camera):
    stamps_right = False

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            due_s = shot.due_s * 25 / 21
            yield replace(shot, due_s=due_s, true_s=due_s)


@habit(
    "faster-than-stamped",
    "stamps are 1/10 s apart, frames come every 1/12 s",
    seen="as slower-than-stamped, the other way round (MediaMTX #5550)",
    right=WITHIN_A_SECOND,
)
class FasterThanStamped(Camera):
    stamps_right = False

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            due_s = shot.due_s * 10 / 12
            yield replace(shot, due_s=due_s, true_s=due_s)


@habit(
    "stamps-in-milliseconds",
    "time stamps count milliseconds although the description says 90000",
    seen="senders that forward a clock of their own (raptor, smolrtsp #39: a stream of microseconds)",
    right=WITHIN_A_SECOND,
)
class StampsInMilliseconds(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts // 90


@habit(
    "stamps-jump-ahead",
    "stamps jump by +5 s once; frames come on evenly",
    seen="cameras that set their clock (ex_nvr #404, Retina #64)",
    right="no gap; every frame within a second of its time",
)
class StampsJumpAhead(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + (5 * _TICKS if number >= 87 else 0)


@habit(
    "stamps-jump-back",
    "stamps jump by -1.5 s once; frames come on evenly",
    seen="raptor #43, Wyze Cam v3",
    right="no frame is left out; every frame within a second of its time",
)
class StampsJumpBack(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts - (_TICKS * 3 // 2 if number >= 87 else 0)


@habit(
    "stamps-jump-far",
    "stamps jump by 6 hours once",
    seen="a camera whose clock is set while it streams (webrtc-streamer #223)",
    right="no gap; every frame within a second of its time",
)
class StampsJumpFar(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + (6 * 3600 * _TICKS if number >= 87 else 0)


@habit(
    "stray-stamps",
    "every 3 s one frame is stamped 9,800 s in the past, its neighbours are right",
    seen="Intelbras DVR (MediaMTX #6255)",
    right="the stray one is put behind its predecessor: no gap, no new file",
)
class StrayStamps(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + 100_000 * _TICKS - (9_800 * _TICKS if number % 30 == 17 else 0)


@habit(
    "stamps-all-equal",
    "every packet has the same time stamp",
    seen="Savant #182, bluecherry #641",
    right="frames are told apart by their markers and go by their arrival",
)
class StampsAllEqual(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return 0


@habit(
    "stamps-in-pairs",
    "two frames in a row share a time stamp, each has its marker",
    seen="MediaMTX #6255",
    right="no frame is left out; times are spread by a tick or more",
)
class StampsInPairs(Stamped):
    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return number // 2 * (2 * _TICKS // RATE)


@habit(
    "stamps-jitter",
    "stamps are up to 60 ms off, now and then earlier than the one before",
    seen="encoders that stamp when they get round to it (thingino raptor #32)",
    right="order and time are kept",
)
class StampsJitter(Stamped):
    stamps_right = True

    @classmethod
    def stamp(cls, number: int, pts: int) -> int:
        return pts + (number * 7_919 % 121 - 60) * 90


@habit(
    "stamps-wrap",
    "the time stamp passes 2^32 after 9 s",
    seen="every camera, after at most 13 hours (RFC 3550 5.1)",
)
class StampsWrap(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        if request.method == "PLAY":
            for track in self.connection.tracks.values():
                track.packetiser.timestamp_base = (1 << 32) - 9 * track.packetiser.clock_rate
        return request


@habit(
    "clock-drifts",
    "the camera's clock runs 200 ppm fast",
    seen="crystals; a drift of minutes within hours was reported to go2rtc #2326 and MediaMTX #5550",
)
class ClockDrifts(Camera):
    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            yield replace(shot, pts=round(shot.pts * 1.0002))


@habit(
    "frames-in-bursts",
    "frames come ten at a time, once a second, with right stamps",
    seen="links that save power or retransmit",
)
class FramesInBursts(Camera):
    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            yield replace(shot, due_s=shot.number // RATE + 1.0)


@habit(
    "burst-at-play",
    "at PLAY what came since the last keyframe is sent at once",
    seen="restreamers that keep the last group (go2rtc, MediaMTX)",
    right="the burst has its own times: those of before PLAY",
)
class BurstAtPlay(Camera):
    clip_spec = LONG_GROUP
    prebuffer = True
    begins_at_s = 4.0


@habit(
    "frames-late",
    "every 8 s nothing comes for 1.5 s, then all at once, with right stamps",
    seen="Wi-Fi cameras (raptor #32: stalls that are caught up)",
    right="lateness that is caught up moves nothing",
)
class FramesLate(Camera):
    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            phase = shot.due_s % 8
            yield replace(shot, due_s=shot.due_s - phase + 6.5 if 5 <= phase < 6.5 else shot.due_s)


@habit(
    "report-steps",
    "the wall clock in RTCP reports steps by an hour after 8 s; stamps go on",
    seen="raptor #43: sender reports shifted by the length of a stall; large jumps in livekit #2674",
    right="the stored clock offset changes, the recording does not",
)
class ReportSteps(Camera):
    def report(self, packet: bytes) -> bytes:
        seconds = int.from_bytes(packet[8:12]) + (3600 if len(packet) and self._late() else 0)
        return packet[:8] + (seconds & 0xFFFFFFFF).to_bytes(4) + packet[12:]

    def _late(self) -> bool:
        self._reports = getattr(self, "_reports", 0) + 1
        return self._reports > 2


@habit(
    "report-of-1970",
    "RTCP reports say 1 January 1970",
    seen="cameras without battery and NTP (html5_rtsp_player #165 shows a date of 1970)",
    right="the stored clock offset says so, the recording is right",
)
class ReportOf1970(Camera):
    def report(self, packet: bytes) -> bytes:
        return packet[:8] + (2_208_988_800).to_bytes(4) + packet[12:]


@habit(
    "report-without-time",
    "RTCP reports have a wall clock of 0 and a time stamp of 0",
    seen="RFC 3550 6.4.1 allows a clock of 0",
)
class ReportWithoutTime(Camera):
    def report(self, packet: bytes) -> bytes:
        return packet[:8] + bytes(12) + packet[20:]


# Scenes that stand still -------------------------------------------------------------------------------------------


@habit(
    "pause-in-a-group",
    "in the middle of a group of 10 s nothing is sent for 3 s; the stamps say so, no packet is missing",
    seen="Axis dynamic frame rate, Hikvision H.264+ (ex_nvr #915)",
    right="the run goes on without a keyframe; the pause is part of the frame before, or a gap as long as it",
)
class PauseInAGroup(Camera):
    clip_spec = LONG_GROUP

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            # 2.9 s more from frame 31 on, and from every hundredth after it.
            late_s = 2.9 * ((shot.number + 69) // 100)
            yield Shot(shot.number, shot.true_s + late_s, shot.due_s + late_s, shot.pts + round(late_s * _TICKS))


@habit(
    "frame-every-4-s",
    "5 s of motion, then a frame every 4 s (scaled from 12 s with a stall_timeout of 30 s)",
    seen="Wyze; Axis Zipstream with a minimum of 0 fps",
    right="with expected_interval the camera is neither stalled nor away",
)
class FrameEvery4s(Camera):
    settings: ClassVar[dict[str, Any]] = {"stall_timeout": "10s", "expected_interval": "6s"}

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            late_s = 3.9 * max(0, shot.number - 50)
            yield Shot(shot.number, shot.true_s + late_s, shot.due_s + late_s, shot.pts + round(late_s * _TICKS))


@habit(
    "late-keyframe",
    "a frame a second, a keyframe every 28 s and none at PLAY: the first comes after 14 s (scaled from 90 s and 70 s)",
    seen="crumbvms #114: H.264+, H.265+, Zipstream",
    right="waiting for a keyframe is no silence: from the keyframe on all is recorded, and the wait has its cause",
)
class LateKeyframe(Camera):
    clip_spec = ClipSpec(frames=560, frame_rate=2, group=56, bit_rate_bps=60_000)
    settings: ClassVar[dict[str, Any]] = {"stall_timeout": "3s"}
    begins_at_s = 14.2
