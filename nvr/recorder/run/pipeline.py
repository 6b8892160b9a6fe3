"""From a connection's frames to runs: puts each where it belongs in time (``timeline``), begins and ends runs, and has
that recorded (``journal``).

Called from the thread that reads the connection; ``end`` and ``poll`` from any. Invariant: no frame is left out for its
time; between two frames of a run there is footage, or a hole with its cause.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import av

from nvr.recorder.audio.track import AudioTrack
from nvr.recorder.clocks.camera_clock import CameraClock
from nvr.recorder.clocks.clock import ClockWatch, RunClock
from nvr.recorder.clocks.timeline import Timeline
from nvr.recorder.media.inits import Template
from nvr.recorder.media.nal import parameter_sets
from nvr.recorder.media.packets import AudioFormat, AudioPacket, Ended, Frame, PacketLane
from nvr.recorder.run.changes import MOST_SET_BYTES, Changes
from nvr.recorder.run.counting import Counting
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.journal import Journal
from nvr.recorder.run.run import Identity, Run
from nvr.recorder.run.waiting import LONG_US, STARTING, Waiting
from nvr.recorder.sources.rtp.templates import video_template
from storage.causes import Cause
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.open_segment import SegmentHandle

__all__ = ["Pipeline"]

log = logging.getLogger(__name__)

_HELD_BYTES: Final = 16 << 20
# Frames further apart are a gap, unless that is usual for the camera or expected of it.
_PAUSE_US: Final = 2_000_000
_SILENT_FRAMES_US: Final = 10_000_000
# The last frame of a camera whose frames are further apart lasts until it is stopped.
_NOW_AND_THEN_US: Final = 1_000_000
_KEYFRAME_WAIT_US: Final = 120_000_000
# What ends recording for no fault of what the camera sends.
_BY_US: Final = frozenset(
    {Cause.SERVER_DOWN, Cause.NOT_CONFIGURED, Cause.DISABLED, Cause.MAINTENANCE, Cause.SCHEDULE, Cause.RECORDER_CRASHED}
)
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
        self.journal = Journal(identity, catalogue)
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
        self._timeline: Timeline | None = None
        # Frames until the clock is anchored; and while the timeline holds them, with the moments of their arrival.
        self._held: list[Frame] = []
        self._held_bytes = 0
        self._kept: list[tuple[Frame, int]] = []
        self._kept_bytes = 0
        self._keyframe_us: int | None = None
        self._waiting = Waiting(monotonic_us())
        self._received = 0
        self.expected_us = 0
        """So far apart the camera's frames may be and count as shown until the next one, microseconds."""
        self.keyframe_wait_us = _KEYFRAME_WAIT_US
        """So long the connection is kept while frames come that lack a keyframe, microseconds."""
        self.longest_keyframe_us = 0
        """How far two keyframes of this connection lay apart at most, microseconds."""
        self.idle: Ended | None = None
        """What would be the cause if this connection ended now, while it brings nothing that can be recorded."""
        # Since when by the monotonic and by the wall clock, and what, as it was told.
        self._told_idle: tuple[int, int, Ended] | None = None
        self.run: Run | None = None
        # Until when the last run reaches that went by this clock, and whether the next one begins right there.
        self._not_before_us = 0
        self._abuts = False
        self.had_footage_s = 0.0
        self.changes = Changes()
        """What counts how often this camera begins new runs; that of its other connections, too, if it is set."""
        self._camera_clock: CameraClock | None = None
        self.counting = Counting()
        self.lane: PacketLane | None = None
        self._is_quick = False

    def be_quick(self, quick: bool) -> None:
        """Whether fragments are short: somebody waits for each."""
        with self._lock:
            self._is_quick = quick
            run, lane = self.run, self.lane
            if run is not None:
                if lane is not None:
                    lane.leave_locked()
                run.be_quick(quick)

    def _synced(self) -> None:
        """What is counted in the lane is known now."""
        if self.lane is not None:
            self.lane.sync()

    def because(self, class_: str) -> None:
        """The connection is made because of a gap of this class."""
        self._waiting.because = class_

    @property
    def is_connected(self) -> bool:
        """Whether the camera plays."""
        return self._waiting.is_connected

    @property
    def usual_us(self) -> int:
        """How far apart the camera's frames usually are, microseconds."""
        self._synced()
        return self._timeline.usual_us if self._timeline is not None else 0

    @property
    def unwritten_us(self) -> int | None:
        """When the oldest frame was read that was not given to a disk yet, by the monotonic clock, microseconds. Any
        thread may ask."""
        lane = self.lane
        if lane is not None and lane.is_in:
            return lane.unwritten_us
        kept, held, run = self._kept, self._held, self.run
        found = [kept[0][0].read_us] if kept else []
        if held:
            found.append(held[0].read_us)
        if run is not None and (read_us := run.unwritten_us) is not None:
            found.append(read_us)
        return min(found, default=None)

    @property
    def ended(self) -> Ended | None:
        """Why it ended, once it has: the disk's word may have replaced the connection's."""
        return self._ended

    def open(self, video: Template) -> None:
        """The connection stands.

        Raises:
            Ended: its codec can't be recorded.
        """
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
    def note(self) -> Mapping[str, str]:
        """What a person should know of this connection although it records."""
        return self._audio.note if self._audio is not None else {}

    def counted(self) -> dict[str, int]:
        """What was counted on this connection so far, without zeros; names are those of
        storage/catalogue/counters.py."""
        self._synced()
        audio = self._audio.counted() if self._audio is not None else {}
        return self.counting.all(self.run, self._timeline, self._clock, audio)

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        """The camera's own clock showed ``camera_us`` when the server's showed ``at_us``."""
        if self._camera_clock is None:
            self._camera_clock = CameraClock(source)
        sample = self._camera_clock.read(at_us, camera_us)
        if sample is not None:
            self.journal.clock_sample(sample)
        if source == "rtcp" and self._timeline is not None:
            self._timeline.reported(at_us, camera_us)

    def packet(self, packet: Frame) -> None:
        """Takes a frame that has just arrived. Raises ``Ended`` if the connection is of no more use."""
        with self._lock:
            self._refuse_if_ended()
            now_us, monotonic_us = self._realtime_us(), self._monotonic_us()
            if self._watch is None:
                self._watch = ClockWatch(now_us, monotonic_us)
            elif step_us := self._watch.step_us(now_us, monotonic_us):
                detail = {"error": f"the server's clock was set by {step_us / 1e6:+.3f} s", "step_us": step_us}
                self._let_go(now_us)
                self._restart(Ended(Cause.CLOCK_STEP, detail), keep_clock=False)
                self._watch = ClockWatch(now_us, monotonic_us)
            if packet.loss:
                self.counting.own["corrupt"] += 1
            self._received += 1
            packet.read_us = packet.read_us or monotonic_us - packet.waited_us
            if self.run is not None or self._held or packet.is_keyframe:
                self._waiting.frame(monotonic_us)
            self._take(packet, now_us - packet.waited_us)
            if self._audio is not None:
                self._write_audio(self._audio, now_us)

    def arrived(self, ago_us: int) -> None:
        """The last frame that was taken had arrived so long ago: of a camera with a frame a second few others tell the
        clock."""
        with self._lock:
            timeline = self._timeline
            if timeline is not None and self._ended is None:
                timeline.arrived(self._realtime_us() - ago_us)

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

    def _take(self, picture: Frame, now_us: int) -> None:
        """A frame arrived: puts it where it belongs in time, or keeps it until that is known."""
        timeline = self._timeline
        if timeline is None:
            timeline = self._timeline = Timeline(picture.time_base, self._clock)
        if self._watch is not None:
            timeline.slack_us = abs(self._watch.change_us)
        if timeline.place(picture.dts, picture.pts, now_us):
            self._placed(picture, timeline, now_us)
            return
        self._kept.append((picture, now_us))
        self._kept_bytes += picture.size
        if self._kept_bytes >= _HELD_BYTES:
            timeline.let_go(now_us)
        if not timeline.holding:
            self._take_kept(timeline)

    def _let_go(self, now_us: int) -> None:
        if self._timeline is not None:
            self._timeline.let_go(now_us)
            self._take_kept(self._timeline)

    def _take_kept(self, timeline: Timeline) -> None:
        kept, self._kept, self._kept_bytes = self._kept, [], 0
        for picture, at_us in kept:
            timeline.place(picture.dts, picture.pts, at_us)
            self._placed(picture, timeline, at_us)

    def _growing(self) -> Run | None:
        # Compiled code takes an attribute that was checked once, or set, for what it was then, and fails where it has
        # become None meanwhile (tests/support/narrowing.py).
        return self.run

    def _placed(self, picture: Frame, timeline: Timeline, now_us: int) -> None:
        """The frame stands where it belongs."""
        step_us, usual_us = timeline.step_us, timeline.usual_us
        pause = step_us > _PAUSE_US and step_us > 4 * usual_us and step_us > self.expected_us
        if pause and self._held:
            # What came before it tells when the run began.
            self._begin(now_us)
        picture.dts, picture.pts = timeline.dts, timeline.pts
        if self._audio is not None:
            self._line_us, self._line_at_us = timeline.media_us, now_us
        why = self._why_missing(picture, step_us, usual_us) if picture.loss or pause else None
        if picture.is_keyframe:
            self._at_keyframe(picture, timeline, now_us, why)
        run = self._growing()
        if run is not None and why is not None:
            self._hole(run, picture, step_us, why)
            # It may have ended there.
            run = self._growing()
        if run is not None:
            if run.video(picture):
                self._note_footage(run)
            return
        if self._held or picture.is_keyframe:
            self._held.append(picture)
            self._held_bytes += picture.size
            if self._clock.anchored or timeline.ready(now_us) or self._held_bytes >= _HELD_BYTES:
                self._begin(now_us)

    def _hole(self, run: Run, picture: Frame, step_us: int, why: Ended) -> None:
        """Before this frame others are missing, or nothing came for long."""
        if picture.loss and picture.is_keyframe and step_us >= LONG_US:
            self._restart(why, keep_clock=True, next_=picture, at_once=False)
            return
        hole = run.hole_before(picture)
        if hole is not None:
            self._note_footage(run)
            self.journal.hole(*hole, why)

    def _why_missing(self, picture: Frame, step_us: int, usual_us: int) -> Ended:
        if not picture.loss:
            return Ended(Cause.STALLED, {"error": f"the camera sent nothing for {step_us / 1e6:.1f} s"})
        error = f"after a loss nothing could be decoded for {step_us / 1e6:.1f} s"
        lost = self.counting.lost(self.counted(), step_us, usual_us)
        return Ended(Cause.CORRUPT, {"error": error, "class": picture.loss, **lost})

    def _at_keyframe(self, packet: Frame, timeline: Timeline, now_us: int, why: Ended | None) -> None:
        """A keyframe is where parameters may change, where sound may join or leave, and where a camera whose clock was
        set begins anew: all make a new run, without a gap but for that which ``why`` tells of."""
        media_us = timeline.media_us
        if self._keyframe_us is not None:
            self.counting.own["keyframe_interval_us"] = media_us - self._keyframe_us
            self.longest_keyframe_us = max(self.longest_keyframe_us, media_us - self._keyframe_us)
        self._keyframe_us = media_us
        sets = frozenset(packet.sets)
        audio = self._living_audio(now_us)
        if not sets <= self._sets:
            self._check_change()
            if sum(map(len, packet.sets)) > MOST_SET_BYTES:
                raise Ended(Cause.CORRUPT, {"error": "the camera's new parameters are too long"})
            self._sets = sets
            changed = why or Ended(Cause.ENDED, {"error": "the camera changed its parameters"})
            self._restart(changed, keep_clock=True, next_=packet, at_once=why is None)
            try:
                self._video = video_template(self._codec, packet.sets, packet.annex_b())
            except (av.FFmpegError, LookupError, ValueError):
                raise Ended(Cause.CORRUPT, {"error": "the camera's new parameters can't be read"}) from None
        elif why is not None:
            # A run that ends in a gap would give it a cause that is none; the next keyframe will do.
            return
        elif self.run is not None and self.run.audio_format != audio:
            what = (
                "sound ceased" if audio is None else "sound began" if self.run.audio_format is None else "sound changed"
            )
            self._check_change()
            self._restart(Ended(Cause.ENDED, {"error": what}), keep_clock=True, next_=packet)
        elif (turned := timeline.take_turn()) and self.run is not None:
            self._check_change()
            self._restart(Ended(Cause.CLOCK_STEP, {"error": turned, "clock": "camera"}), keep_clock=True, next_=packet)

    def _check_change(self) -> None:
        """Raises ``Ended`` where a camera begins new runs all the time."""
        if not self.changes.take(self._monotonic_us()):
            raise Ended(Cause.CORRUPT, {"error": "the camera changes what it sends all the time"})

    def _living_audio(self, now_us: int) -> AudioFormat | None:
        """What sound a run that begins now has: none if none came for seconds."""
        return self._audio.living(now_us) if self._audio is not None else None

    def _begin(self, now_us: int) -> None:
        """The clock is anchored: the run begins with the first keyframe held."""
        assert self._video is not None
        if not self._clock.anchored:
            assert self._timeline is not None
            self._timeline.anchor(self._held, now_us)
        held, self._held, self._held_bytes = self._held, [], 0
        audio = self._living_audio(now_us)
        try:
            run = Run(
                self._identity, self._clock, self._cutter, self._disks, self._video, audio, held[0], self._handles,
                self._not_before_us, self._abuts,
            )  # fmt: skip
        except (av.FFmpegError, ValueError) as error:
            raise Ended(Cause.REJECTED, {"error": f"these streams can't be put into MP4: {error}"}) from None
        if self._is_quick:
            run.be_quick(True)
        self.run, self._abuts = run, False
        if self._audio is not None:
            self._write_audio(self._audio, now_us)
        last = held[0].dts
        for number, packet in enumerate(held):
            step, last = packet.dts - last, packet.dts
            if packet.loss and step:
                assert self._timeline is not None
                step_us = int(step * packet.time_base * 1_000_000)
                self._hole(run, packet, step_us, self._why_missing(packet, step_us, self._timeline.usual_us))
                if self._growing() is not run:
                    # It ended there: what is left is of the next one.
                    self._held = held[number:]
                    self._held_bytes = sum(picture.size for picture in self._held)
                    self._begin(now_us)
                    return
            run.video(packet)
        self._note_footage(run)

    def _note_footage(self, run: Run) -> None:
        if run.start_us is not None:
            if self.journal.footage(run.start_us) and not self.counting.own["connections"]:
                self.counting.own["connections"] = 1
            self.idle, self._told_idle = None, None
            assert run.until_us is not None
            self.had_footage_s = max(self.had_footage_s, (run.until_us - run.start_us) / 1e6)

    def _restart(
        self,
        ended: Ended,
        *,
        keep_clock: bool,
        goes_on: bool = True,
        next_: Frame | None = None,
        at_once: bool = True,
    ) -> None:
        """Ends the run and waits for a keyframe to begin the next one on the same connection. ``goes_on``: frames come.
        ``next_``: the keyframe, if it is here; ``at_once``: with nothing missing before it."""
        if self._held and self.run is None:
            # What came in the first second is footage all the same.
            self._begin(self._realtime_us())
        run = self.run
        if run is not None and next_ is not None:
            run.followed_by(next_, at_once=at_once)
        counts = self._end_run(ended, None, goes_on=goes_on)
        self._held, self._held_bytes = [], 0
        if run is not None and run.until_us is not None:
            self._not_before_us = run.until_us
            # Not if the disk refused its end.
            self._abuts = next_ is not None and at_once and counts is ended
        if not keep_clock:
            self._not_before_us, self._abuts = 0, False
            if self._audio is not None:
                self._audio.restart()
            self._clock = RunClock()
            if self._timeline is not None:
                self.counting.timeline_ended(self._timeline)
            self._timeline, self._keyframe_us = None, None

    def _end_run(self, ended: Ended, at_us: int | None, idle: Ended | None = None, *, goes_on: bool = False) -> Ended:
        """Closes the run, if there is one, and records the cause: from the end of its footage, else from ``at_us`` if
        given. ``idle``: what was the cause until ``at_us``. Returns the cause that counts."""
        run = self.run
        if run is not None:
            try:
                ended = run.end(ended)
            finally:
                self.run = None
            self._note_footage(run)
            self.counting.run_ended(run)
            if ended.cause in (Cause.OVERLOAD, Cause.DISK_FULL, Cause.DISK_ERROR):
                self.counting.own["overloads"] += 1
        if run is not None and run.key is not None and run.until_us is not None:
            detail = {**ended.detail, "counters": self.counting.since_run(self.counted())}
            if self._timeline is not None and self._timeline.manner != "camera":
                detail["media_time"] = self._timeline.manner
            causes = [(run.until_us, ended)]
            if at_us is not None and idle is not None:
                # It is known why there is nothing since then; only from now on it is because of this.
                causes = [(run.until_us, idle), (max(at_us, run.until_us), ended)]
            last = (run.last.key, tuple(run.holes)) if run.last is not None else None
            self.journal.run_ended(run.key, run.until_us, causes, detail, last, goes_on=goes_on)
        elif at_us is not None:
            if idle is not None:
                self._tell_idle(at_us, idle)
            self.journal.without_footage(at_us, ended)
        return ended

    def end(self, ended: Ended) -> None:
        """The connection ended, or is given up. Only the first call counts; from then on packets are refused."""
        with self._lock:
            if self._ended is not None:
                return
            if self.lane is not None:
                self.lane.leave_locked()
            self._ended = ended
            now_us = self._realtime_us()
            try:
                self._let_go(now_us)
                if self._held and self.run is None and self._video is not None:
                    # Less than a second came: it is footage all the same.
                    self._begin(now_us)
            except Ended as worse:
                self._ended = ended = worse
            self._idle_now(now_us)
            usual_us = self.usual_us
            if self.run is not None and ended.cause in _BY_US and self.idle is None and usual_us > _NOW_AND_THEN_US:
                self.run.lasts(now_us)
            self._ended = self._end_run(
                ended, now_us, self.idle if ended.cause in _BY_US and self.is_connected else None
            )
            if self._audio is not None:
                self._audio.close()

    # While nothing comes
    # -----------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The camera answered that it plays."""
        with self._lock:
            self._waiting.connected(self._monotonic_us())
            self.journal.taken(STARTING)
            # What comes of it counts from now on.
            self.journal.began_us = None

    def poll(self) -> Ended | None:
        """To be called every few seconds: notices what no frame tells. Returns why the connection is to be given up, if
        it is."""
        if not self._lock.acquire(blocking=False):
            # A frame is being taken.
            return None
        try:
            return None if self._ended is not None else self._poll()
        finally:
            self._lock.release()

    def _poll(self) -> Ended | None:
        now_us, waiting = self._realtime_us(), self._waiting
        self._synced()
        verdict = self._idle_now(now_us)
        idle = self.idle
        if idle is None:
            return None
        if self.lane is not None:
            self.lane.leave_locked()
        quiet_us = self._monotonic_us() - waiting.since_us
        if self.run is None and self._held and verdict != "connecting":
            # What came before it fell silent is footage already, and not part of what is told of the silence.
            try:
                self._let_go(now_us)
                if self.run is None and self._held:
                    self._begin(now_us)
            except Ended as ended:
                return ended
        if self.run is None:
            if verdict == "connecting":
                self.journal.taken(idle)
            else:
                self._tell_idle(now_us, idle)
        elif verdict == "keyframe" and quiet_us >= LONG_US:
            self._restart(idle, keep_clock=True, goes_on=False)
            self._told_idle = waiting.since_us, now_us - quiet_us, idle
        if verdict == "keyframe" and quiet_us >= self.keyframe_wait_us:
            return Ended(Cause.CORRUPT, {**idle.detail, "error": f"no keyframe for {quiet_us / 1e6:.0f} s"})
        return None

    def keep(self, before_us: int) -> Ended | None:
        """To be called every second: of a camera of which nothing was read since ``before_us``, monotonic, frames do
        not wait in memory for the next one. Returns why the connection is to be given up, if it is."""
        if not self._lock.acquire(blocking=False):
            # A frame is being taken.
            return None
        try:
            lane = self.lane
            if self._ended is None and (lane is None or not lane.is_newer(before_us)):
                if lane is not None:
                    lane.leave_locked()
                self._keep(before_us)
        except Ended as ended:
            return ended
        finally:
            self._lock.release()
        return None

    def _keep(self, before_us: int) -> None:
        if self._kept and self._kept[-1][0].read_us <= before_us:
            self._let_go(self._realtime_us())
        if self.run is None and self._held and self._held[-1].read_us <= before_us:
            self._begin(self._realtime_us())
        if self.run is not None:
            self.run.keep(before_us)

    def _tell_idle(self, now_us: int, idle: Ended) -> None:
        since_us, told = self._waiting.since_us, self._told_idle
        at_us = now_us - (self._monotonic_us() - since_us)
        if told is not None and told[2].cause == idle.cause:
            if told[2].detail.get("class") == idle.detail.get("class"):
                return
            if told[0] == since_us:
                # Of the same stretch more is known now.
                at_us = told[1]
        self._told_idle = since_us, at_us, idle
        self.journal.without_footage(at_us, idle)

    def _idle_now(self, now_us: int) -> str:
        """Finds out whether, and why, no frames come that can be recorded."""
        counted, monotonic_us = self.counting.source(), self._monotonic_us()
        verdict = self._waiting.poll(
            monotonic_us,
            max(self._received, counted.get("received", 0)),
            counted.get("damaged", 0) + counted.get("undecodable", 0),
        )
        patience_us = 0 if self.run is None else max(_SILENT_FRAMES_US, 4 * self.usual_us, self.expected_us)
        lost = self.counting.is_loss_known(counted)
        self.idle = self._waiting.why(verdict, now_us, monotonic_us, patience_us=patience_us, lost=lost)
        return verdict
