"""From a connection's packets to runs: checks each packet, keeps the clock, begins and ends runs, tells the catalogue.

Called from the thread that reads the connection; ``end`` from any. Invariant: from the end of one run's footage to the start of the next one's
there is exactly one cause in force, entered in order.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import av

from nvr.recorder.audio import AudioTrack
from nvr.recorder.camera_clock import CameraClock
from nvr.recorder.clock import ClockWatch, RunClock
from nvr.recorder.cutting import Cutter
from nvr.recorder.disks import Disks
from nvr.recorder.inits import Template
from nvr.recorder.nal import parameter_sets
from nvr.recorder.native.templates import video_template
from nvr.recorder.run import Identity, Run
from nvr.recorder.source import AudioFormat, AudioPacket, Ended, Picture
from storage import clock_samples, facts, segments
from storage.catalogue_writer import CatalogueWriter
from storage.causes import Cause
from storage.counters import difference
from storage.segment_handle import SegmentHandle

__all__ = ["Pipeline"]

log = logging.getLogger(__name__)

# The first second of a run is held in memory until the least delayed packet has told when the run began.
_ANCHOR_S: Final = 1.0
_HELD_BYTES: Final = 16 << 20
_JUMP_US: Final = 30_000_000
_BACK_US: Final = 2_000_000
_HOLE_US: Final = 2_000_000
# What a gap tells that was torn by a loss.
_OF_LOSS: Final = ("lost_packets", "damaged", "undecodable")
_VIDEO_CODECS: Final = ("h264", "hevc")


def _realtime_us() -> int:
    return time.time_ns() // 1000


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class Pipeline:
    """The sink of one connection."""

    def __init__(
        self,
        identity: Identity,
        cutter: Cutter,
        disks: Disks,
        catalogue: CatalogueWriter,
        *,
        audio: AudioTrack | None,
        handles: deque[SegmentHandle],
        realtime_us: Callable[[], int] = _realtime_us,
        monotonic_us: Callable[[], int] = _monotonic_us,
    ) -> None:
        self._identity = identity
        self._cutter = cutter
        self._disks = disks
        self._catalogue = catalogue
        self._audio = audio
        self._handles = handles
        self._realtime_us = realtime_us
        self._monotonic_us = monotonic_us
        self._lock = threading.Lock()
        self._ended: Ended | None = None
        self._video: Template | None = None
        # Where in its media time the video was when its last frame arrived: what audio is compared with, microseconds.
        self._line_us = self._line_at_us = 0
        self._codec = ""
        self._sets: frozenset[bytes] = frozenset()
        self._clock = RunClock()
        self._watch: ClockWatch | None = None
        self._held: list[Picture] = []
        self._held_bytes = 0
        self._first_us = 0
        self._last_dts: int | None = None
        self._interval_us = 0
        # Microseconds of media time a tick, as a fraction: every connection's packets keep to one time base.
        self._tick_us: tuple[int, int] | None = None
        self._footage_us: int | None = None
        # Another worker records the camera: what becomes of this connection is no cause of anything.
        self.silent = False
        self.run: Run | None = None
        self.had_footage_s = 0.0
        self._camera_clock: CameraClock | None = None
        self._counted_before: Mapping[str, int] = {}
        self.counters = dict.fromkeys(
            ("connections", "frames", "bytes", "recorded_us", "out_of_order", "corrupt", "overloads"), 0
        )
        self.source_counters: Callable[[], Mapping[str, int]] = dict

    @property
    def ended(self) -> Ended | None:
        """Why it ended, once it has: the disk's word may have replaced the connection's."""
        return self._ended

    def open(self, video: Template) -> None:
        """The connection stands."""
        codec = video.codec
        if codec not in _VIDEO_CODECS:
            raise Ended(Cause.REJECTED, {"error": f"video codec {codec} is not H.264 or H.265"})
        self._codec = codec
        self._video = video
        self._sets = frozenset(parameter_sets(codec, video.extradata))

    def no_audio(self, why: str) -> None:
        """The camera's audio can't be recorded."""
        if self._audio is not None:
            self._audio.refuse(why)

    @property
    def note(self) -> str:
        """What a person should know of this connection although it records; or nothing."""
        return self._audio.note if self._audio is not None else ""

    def counted(self) -> dict[str, int]:
        """What was counted on this connection so far, without zeros; names are those of storage/counters.py."""
        run = self.run
        counted = {
            **self.counters,
            **self.source_counters(),
            "late_us": self._clock.late_us,
            "jitter_us": self._clock.jitter_us,
        }
        if self._audio is not None:
            counted |= self._audio.counted()
        if run is not None:
            counted["frames"] += run.frames
            counted["bytes"] += run.bytes
            counted["recorded_us"] += run.recorded_us
        return {name: count for name, count in counted.items() if count}

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        """The camera's own clock showed ``camera_us`` when the server's showed ``at_us``."""
        if self._camera_clock is None:
            self._camera_clock = CameraClock(source)
        sample = self._camera_clock.read(at_us, camera_us)
        if sample is not None:
            camera, node = self._identity.camera, self._identity.node
            self._catalogue.put(lambda conn: clock_samples.record(conn, camera, sample, node=node))

    def packet(self, packet: Picture) -> None:
        """Takes a frame that has just arrived. Raises ``Ended`` if the connection is of no more use."""
        with self._lock:
            self._refuse_if_ended()
            now_us, monotonic_us = self._realtime_us(), self._monotonic_us()
            if self._watch is None:
                self._watch = ClockWatch(now_us, monotonic_us)
            elif step_us := self._watch.step_us(now_us, monotonic_us):
                detail = {"error": f"the server's clock was set by {step_us / 1e6:+.3f} s"}
                self._restart(Ended(Cause.CLOCK_STEP, detail), keep_clock=False)
                self._watch = ClockWatch(now_us, monotonic_us)
            if packet.loss:
                self.counters["corrupt"] += 1
            self._take_timed(packet, now_us)
            if self._audio is not None:
                self._write_audio(self._audio, now_us)

    def audio(self, packet: AudioPacket) -> None:
        """Takes audio that has just arrived. Raises ``Ended`` if the connection is of no more use."""
        track = self._audio
        if track is None:
            return
        with self._lock:
            self._refuse_if_ended()
            if self._line_at_us:
                now_us = self._realtime_us()
                track.take(packet, now_us, self._line_us + now_us - self._line_at_us)
                self._write_audio(track, now_us)

    def _refuse_if_ended(self) -> None:
        if self._ended is not None:
            # Another one: what is raised remembers where, and so would keep this pipeline.
            raise Ended(self._ended.cause, self._ended.detail)

    def _write_audio(self, track: AudioTrack, now_us: int) -> None:
        """Writes what is ready beside the frames; until a run begins it waits with them."""
        if self._held:
            return
        units = track.ready(now_us)
        if self.run is not None and self.run.audio_format == track.format:
            for unit in units:
                self.run.audio(unit)

    def _take_timed(self, packet: Picture, now_us: int) -> None:
        if self._tick_us is None:
            tick_us = packet.time_base * 1_000_000
            self._tick_us = tick_us.numerator, tick_us.denominator
        if not self._in_order(packet):
            return
        media_us = packet.pts * self._tick_us[0] // self._tick_us[1]
        if self._audio is not None:
            self._line_us, self._line_at_us = media_us, now_us - packet.waited_us
        self._clock.observe(media_us, now_us)
        if packet.is_keyframe:
            self._at_keyframe(packet, now_us)
        if self.run is not None:
            if self.run.video(packet):
                self._told_footage()
            return
        if self._held or packet.is_keyframe:
            if not self._held:
                self._first_us = self._first_us or now_us
            self._held.append(packet)
            self._held_bytes += packet.size
        waited_s = (now_us - self._first_us) / 1e6 if self._first_us else 0.0
        if self._held and (self._clock.anchored or waited_s >= _ANCHOR_S or self._held_bytes >= _HELD_BYTES):
            self._begin(now_us)

    def _in_order(self, packet: Picture) -> bool:
        """Whether the packet's timestamp goes on from the last one; ends the run if it can't."""
        assert self._tick_us is not None
        last, self._last_dts = self._last_dts, packet.dts
        if last is None:
            return True
        change_us = (packet.dts - last) * self._tick_us[0] // self._tick_us[1]
        if change_us > _JUMP_US or change_us < -_BACK_US:
            detail: dict[str, Any] = {"error": f"the camera's timestamps jumped by {change_us / 1e6:+.1f} s"}
            self._restart(Ended(Cause.CORRUPT, detail), keep_clock=False)
            return True
        if change_us <= 0:
            self.counters["out_of_order"] += 1
            self._last_dts = last
            return False
        if self._interval_us and change_us > max(_HOLE_US, 4 * self._interval_us):
            if packet.loss:
                cause, what = Cause.CORRUPT, "after a loss nothing could be decoded"
            else:
                cause, what = Cause.STALLED, "the camera sent nothing"
            detail = {"error": f"{what} for {change_us / 1e6:.1f} s"}
            if packet.loss:
                counted = difference(self.counted(), self._counted_before)
                detail |= {name: count for name, count in counted.items() if name in _OF_LOSS}
            self._restart(Ended(cause, detail), keep_clock=True)
        else:
            # A moving average: a camera of one frame in five seconds has no hole between any two.
            self._interval_us = (7 * self._interval_us + change_us) // 8 if self._interval_us else change_us
        return True

    def _at_keyframe(self, packet: Picture, now_us: int) -> None:
        """A keyframe is where parameters may change, and where sound may join or leave: both make a new run, without a gap."""
        sets = frozenset(packet.sets)
        audio = self._living_audio(now_us)
        if not sets <= self._sets:
            self._sets = sets
            self._restart(Ended(Cause.ENDED, {"error": "the camera changed its parameters"}), keep_clock=True)
            try:
                self._video = video_template(self._codec, packet.sets, packet.annex_b())
            except (av.FFmpegError, LookupError, ValueError):
                raise Ended(Cause.CORRUPT, {"error": "the camera's new parameters can't be read"}) from None
        elif self.run is not None and self.run.audio_format != audio:
            why = (
                "sound ceased" if audio is None else "sound began" if self.run.audio_format is None else "sound changed"
            )
            self._restart(Ended(Cause.ENDED, {"error": why}), keep_clock=True)

    def _living_audio(self, now_us: int) -> AudioFormat | None:
        """What sound a run that begins now has: none if none came for seconds."""
        return self._audio.living(now_us) if self._audio is not None else None

    def _begin(self, now_us: int) -> None:
        """The clock is anchored: the run begins with the first keyframe held."""
        assert self._video is not None
        if not self._clock.anchored:
            self._clock.anchor()
        held, self._held, self._held_bytes = self._held, [], 0
        audio = self._living_audio(now_us)
        try:
            run = Run(
                self._identity, self._clock, self._cutter, self._disks, self._video, audio, held[0], self._handles
            )
        except (av.FFmpegError, ValueError) as error:
            raise Ended(Cause.REJECTED, {"error": f"these streams can't be put into MP4: {error}"}) from None
        self.run = run
        if self._audio is not None:
            self._write_audio(self._audio, now_us)
        for packet in held:
            run.video(packet)
        self._told_footage()

    def _told_footage(self) -> None:
        run = self.run
        if run is not None and run.start_us is not None:
            if self._footage_us != run.start_us:
                if self._footage_us is None:
                    self.counters["connections"] += 1
                self._footage_us = run.start_us
                camera, start_us = self._identity.camera, run.start_us
                self._catalogue.put(lambda conn: facts.resume(conn, camera, start_us))
            assert run.until_us is not None
            self.had_footage_s = max(self.had_footage_s, (run.until_us - run.start_us) / 1e6)

    def _restart(self, ended: Ended, *, keep_clock: bool) -> None:
        """Ends the run and waits for a keyframe to begin the next one on the same connection."""
        if self._held and self.run is None:
            # What came in the first second is footage all the same.
            self._begin(self._realtime_us())
        self._end_run(ended, None)
        self._held, self._held_bytes = [], 0
        if not keep_clock:
            if self._audio is not None:
                self._audio.restart()
            self._clock = RunClock()
            self._first_us = 0
            self._interval_us = 0

    def _end_run(self, ended: Ended, at_us: int | None) -> Ended:
        """Closes the run, if there is one, and enters the cause: from the end of its footage, else from ``at_us`` if given. Returns the
        cause that counts."""
        run = self.run
        camera, node, epoch = self._identity.camera, self._identity.node, self._identity.epoch
        if run is not None:
            try:
                ended = run.end(ended)
            finally:
                self.run = None
            self._told_footage_of(run)
            self.counters["frames"] += run.frames
            self.counters["bytes"] += run.bytes
            self.counters["recorded_us"] += run.recorded_us
            if ended.cause in (Cause.OVERLOAD, Cause.DISK_FULL, Cause.DISK_ERROR):
                self.counters["overloads"] += 1
        cause, detail, silent = ended.cause, dict(ended.detail), self.silent
        if run is not None and run.key is not None and run.until_us is not None:
            key, until_us = run.key, run.until_us
            last, found = run.last.key if run.last is not None else None, tuple(run.holes)
            counters = self.counted()
            counted: Mapping[str, Any] = {**detail, "counters": difference(counters, self._counted_before)}
            self._counted_before = counters

            def operation(conn: Any) -> None:
                segments.end_run(conn, key, end_us=until_us, cause=cause, detail=counted)
                if last is not None:
                    # Its bytes may still wait for the disk; the story must have no hole meanwhile.
                    segments.grown(conn, last, until_us, found)
                if not silent:
                    facts.enter(conn, camera, until_us, cause, detail, node=node, epoch=epoch)

            self._catalogue.put(operation)
        elif at_us is not None and not silent:
            self._catalogue.put(lambda conn: facts.enter(conn, camera, at_us, cause, detail, node=node, epoch=epoch))
        return ended

    def _told_footage_of(self, run: Run) -> None:
        if run.start_us is not None and self._footage_us != run.start_us:
            self._footage_us = run.start_us
            camera, start_us = self._identity.camera, run.start_us
            self._catalogue.put(lambda conn: facts.resume(conn, camera, start_us))

    def end(self, ended: Ended) -> None:
        """The connection ended, or is given up. Only the first call counts; from then on packets are refused."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = ended
            if self._held and self.run is None and self._video is not None:
                # Less than a second came: it is footage all the same.
                try:
                    self._begin(self._realtime_us())
                except Ended as worse:
                    self._ended = ended = worse
            self._ended = self._end_run(ended, self._realtime_us())
            if self._audio is not None:
                self._audio.close()
