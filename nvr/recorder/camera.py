"""One camera's task: connect, record, say why it ended, wait, again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from nvr.backoff import Backoff
from nvr.config import RecordedCamera, Redactor
from nvr.recorder.break_log import BreakLog
from nvr.recorder.lane.lane import give_lane, take_lane
from nvr.recorder.loop.crash_slots import WORKING, mark_of
from nvr.recorder.loop.limiter import Outages, Turns
from nvr.recorder.media.packets import Ended, Source
from nvr.recorder.run.changes import Changes
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Run
from nvr.recorder.sources.choose import SourceChoice
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue.counters import added
from storage.catalogue.status import Status
from storage.causes import Cause, CauseClass, class_of
from storage.writing.catalogue_writer import Grown
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle

__all__ = ["CameraRecorder", "Growth", "RetryWait"]

log = logging.getLogger(__name__)

_RETRIES: Final = Backoff(1.0, 30.0)
_WELL_AFTER_S: Final = 10.0
_COUNT_S: Final = 5.0
_RATES_S: Final = 5.0
# So often a camera that is recorded is asked whether it still is: what it then says is dated back.
_JUDGED_S: Final = 3.0
# How long frames that lack a keyframe are waited for: at first, and at most where each attempt was in vain.
_KEYFRAME_WAIT_US: Final = 120_000_000
_LONGEST_WAIT_US: Final = 3_600_000_000
# Footage that grows by no more than this, in as long as that, is none that grows.
_STILL_S: Final = 15.0
_RATE_S: Final = 60.0
_SLOWEST: Final = 0.8
_FASTEST: Final = 1.25
# Failures in a row after which a camera goes behind others when many want to connect.
_STALE_AFTER: Final = 3


MakePipeline = Callable[[RecordedCamera, deque[SegmentHandle]], Pipeline]


class RetryWait:
    """How long to wait before the next attempt: 1 s doubling to 30 s, jittered so that a thousand cameras behind one
    switch do not come back in one instant; from the beginning after 10 s of footage."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._failures = 0

    def after(self, footage_s: float) -> float:
        """The wait in seconds after an attempt that brought this much footage."""
        if footage_s >= _WELL_AFTER_S:
            self._failures = 0
        self._failures += 1
        return _RETRIES.after(self._failures) * (0.75 + 0.5 * self._jitter())


class Growth:
    """Whether footage that is written grows as time does. By the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._until_us = 0
        self._moved_s = 0.0
        self._begin: tuple[int, float] | None = None
        self._wrong = 0
        self._rate = 1.0

    def judge(self, until_us: int, usual_us: int, now_s: float) -> Ended | None:
        """Footage is written up to ``until_us``, by frames that are ``usual_us`` apart. Why that is no recording, if it
        is none."""
        if until_us != self._until_us:
            self._until_us, self._moved_s = until_us, now_s
        still_s = now_s - self._moved_s
        if still_s > max(_STILL_S, 4 * usual_us / 1e6):
            self._begin = None
            return Ended(Cause.OVERLOAD, {"error": f"frames come, but none was written for {still_s:.0f} s"})
        if self._begin is None:
            self._begin = until_us, now_s
        passed_s = now_s - self._begin[1]
        if passed_s >= max(_RATE_S, 10 * usual_us / 1e6):
            rate = (until_us - self._begin[0]) / 1e6 / passed_s
            self._begin = until_us, now_s
            # One may be of a network that was late, or caught up.
            self._wrong = 0 if _SLOWEST <= rate <= _FASTEST else self._wrong + 1
            self._rate = rate
        if self._wrong < 2:
            return None
        return Ended(Cause.CORRUPT, {"error": f"footage grows by {self._rate:.2f} s a second"})


class CameraRecorder:
    """Records one camera until it is stopped. ``tentative``: another worker still records it, so until this one has
    footage it says nothing."""

    def __init__(
        self,
        camera: RecordedCamera,
        make_pipeline: MakePipeline,
        turns: Turns,
        outages: Outages,
        *,
        choice: SourceChoice | None = None,
        tentative: bool = False,
    ) -> None:
        self.camera = camera
        self.choice = choice if choice is not None else SourceChoice(camera)
        self.tentative = tentative
        self._make_pipeline = make_pipeline
        self._turns = turns
        self._outages = outages
        self._wake = asyncio.Event()
        self._mark = mark_of(camera.id)
        self.on_footage: Callable[[str], None] = _nobody
        self._redactor: Redactor | None = None
        self._changes = Changes()
        self._handles: deque[SegmentHandle] = deque()
        self._pipeline: Pipeline | None = None
        self._source: Source | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping: Ended | None = None
        self._state: tuple[str, int, Cause | None, Mapping[str, Any]] = ("waiting", _now_us(), None, {})
        self._logged: set[Cause] = set()
        self._breaks = BreakLog(camera.id)
        self._counted: dict[str, int] = {}
        self._told: Mapping[str, int] = {}
        self._told_due_s = 0.0
        self._measured: tuple[float, int, int] | None = None
        self._judge_due_s = 0.0
        self._rates: tuple[int | None, float | None] = (None, None)
        self._growth = Growth()
        self._longest_keyframe_us = 0
        self._keyframe_wait_us = _KEYFRAME_WAIT_US
        self.is_quick = False
        """Whether it was told that somebody watches."""

    def start(self) -> None:
        """Begins, when it is its turn to connect."""
        self._task = asyncio.create_task(self._record(), name=f"camera-{self.camera.id}")

    def wake(self) -> None:
        """There is reason to try again now."""
        self._wake.set()

    def be_quick(self, quick: bool) -> None:
        """Whether somebody watches, so that what comes is to be on the disk within a fifth of a second."""
        self.is_quick = quick
        pipeline = self._pipeline
        try:
            if pipeline is not None:
                pipeline.be_quick(quick)
            if self._source is not None:
                self._source.be_quick(quick)
        except Exception as error:
            log.exception(
                "camera %s: it is read anew, since how it is read could not be changed: report this, with these lines",
                self.camera.id,
            )
            if pipeline is not None:
                self._give_up(pipeline, Ended(Cause.RECORDER_CRASHED, {"error": type(error).__name__}))

    def firm(self) -> None:
        """It is this worker's camera alone now."""
        self.tentative = False
        if self._pipeline is not None:
            self._pipeline.journal.silent = False
        self.wake()

    def stop_run(self, ended: Ended) -> None:
        """Closes the run now, whatever the connection does. May wait for a write under way: not for the event loop."""
        self._stopping = ended
        # As they are now: the connection may end in its own thread's time meanwhile.
        source, pipeline = self._source, self._pipeline
        if source is not None:
            source.stop()
        if pipeline is not None:
            pipeline.end(ended)

    def stop(self, ended: Ended, *, silent: bool = False) -> None:
        """Ends recording and the task. ``silent``: another worker records, so the end means nothing."""
        if silent and self._pipeline is not None:
            self._pipeline.journal.silent = True
        WORKING.on(self._mark)
        self.stop_run(ended)
        self._outages.forget(self.camera.id)
        if self._task is not None:
            self._task.cancel()

    async def stopped(self) -> None:
        """Waits for the task to end after ``stop``."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            # How it ended knows this recorder.
            self._task = None

    async def _record(self) -> None:
        backoff = RetryWait()
        kind = self.choice.kind
        failures = 0
        taken_us: int | None = None if self.tentative else _now_us()
        because = CauseClass.SERVER
        while self._stopping is None:
            fresh = failures < _STALE_AFTER or self._wake.is_set()
            await self._turns.turn(kind.connection_s, fresh=fresh)
            self._wake.clear()
            pipeline = self._pipeline = self._make_pipeline(self.camera, self._handles)
            pipeline.journal.silent, pipeline.journal.began_us = self.tentative, taken_us
            pipeline.because(because)
            pipeline.expected_us = self.camera.expected_interval_us or 0
            pipeline.changes = self._changes
            pipeline.keyframe_wait_us = max(self._keyframe_wait_us, 2 * self._longest_keyframe_us)
            taken_us = None
            source = self._source = self.choice.source(pipeline)
            if self.is_quick:
                pipeline.be_quick(True)
                source.be_quick(True)
            give_lane(source, pipeline)
            pipeline.counting.source = partial(_counters, source)
            try:
                ended = self._redacted(await source.run())
                if self._stopping is not None:
                    return
                WORKING.on(self._mark)
                pipeline.end(ended)
            finally:
                # From here on the connection is counted as past, and nothing of it is kept.
                self._counted, pipeline.counting.source = added(self._counted, pipeline.counted()), dict
                self._pipeline = self._source = None
                take_lane(source, pipeline)
            failures = 0 if pipeline.had_footage_s else failures + 1
            self._longest_keyframe_us = max(self._longest_keyframe_us, pipeline.longest_keyframe_us)
            self._outages.fell(self.camera.id, time.monotonic())
            ended = pipeline.ended or ended
            self._not_recording(ended)
            because = class_of(ended.cause, ended.detail)
            if self.choice.ended(ended, pipeline.had_footage_s):
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), backoff.after(pipeline.had_footage_s))
            # Its password was refused: it is not even connected to before the ledger allows that.
            await LEDGER.free(self.camera)

    def _log_once(self, ended: Ended) -> None:
        """Causes may alternate at each attempt, as the transports do: each is logged once until there is footage
        again."""
        if ended.cause not in self._logged:
            self._logged.add(ended.cause)
            self._breaks.broke(ended.cause, ended.detail.get("error", ""))

    def _redacted(self, ended: Ended) -> Ended:
        """The same without what only the camera and we may know: a camera can repeat its password in all that it
        says."""
        if self._redactor is None:
            self._redactor = Redactor(self.camera.secrets, hashes=True)
        redact = self._redactor
        detail = {key: redact(value) if isinstance(value, str) else value for key, value in ended.detail.items()}
        return Ended(ended.cause, detail)

    def grown(self) -> list[Grown]:
        """How far each segment reaches that the catalogue does not know as closed, and its holes."""
        while self._handles and self._handles[0].done:
            self._handles.popleft()
        # In this order: a hole is known before what comes after it.
        return [(handle.key, handle.written_until_us, tuple(handle.index.holes)) for handle in list(self._handles)]

    @property
    def unwritten(self) -> tuple[DiskWriter | None, float] | None:
        """When the oldest frame was read that no disk was given yet, by the monotonic clock in seconds, and the disk
        that is going to get it, if that is known."""
        pipeline, source = self._pipeline, self._source
        if pipeline is None:
            return None
        read_us = pipeline.unwritten_us
        if source is not None and (open_us := source.open_us) is not None and (read_us is None or open_us < read_us):
            read_us = open_us
        if read_us is None:
            return None
        run = pipeline.run
        return None if run is None else run.disk, read_us / 1e6

    def keep(self, before_us: int) -> None:
        """If nothing was read since ``before_us``, by the monotonic clock, the newest frames are given to the disk
        without waiting for the next one, which tells how long they last: a power cut is to cost as little of a camera
        that sends a frame now and then as of others."""
        pipeline, source = self._pipeline, self._source
        if source is not None and (open_us := source.open_us) is not None and open_us <= before_us:
            source.pause()
        if pipeline is not None and (ended := pipeline.keep(before_us)) is not None:
            self._give_up(pipeline, ended)

    def _give_up(self, pipeline: Pipeline, ended: Ended) -> None:
        pipeline.end(ended)
        if self._source is not None:
            self._source.stop()

    def status(self) -> Status:
        """What this camera's recorder does now; called every few seconds."""
        self._breaks.look()
        pipeline = self._pipeline
        run = pipeline.run if pipeline is not None else None
        segment = run.segment if run is not None else None
        why = self._why_not(pipeline)
        if run is None or run.start_us is None or segment is None or why is not None:
            if why is not None:
                self._not_recording(why)
            state, since_us, cause, detail = self._state
            return Status(
                self.camera.id, state, since_us, cause, detail, updated_us=_now_us(), counters=self._all_counted()
            )
        if self._state[0] != "recording":
            self._breaks.recorded()
            self._logged.clear()
            self.choice.footage()
            self.on_footage(self.camera.id)
            self._state = ("recording", run.start_us, None, {})
            self._measured = None
        self._measure(run)
        bitrate_bps, frame_rate = self._rates
        return Status(
            self.camera.id,
            "recording",
            self._state[1],
            detail=self._pipeline.note if self._pipeline is not None else {},
            recorded_until_us=segment.written_until_us,
            init=run.init.id,
            bitrate_bps=bitrate_bps,
            frame_rate=frame_rate,
            updated_us=_now_us(),
            counters=self._all_counted(),
        )

    def _why_not(self, pipeline: Pipeline | None) -> Ended | None:
        """Why a camera that is connected is not being recorded, if that is so."""
        if pipeline is None:
            return None
        now_s = time.monotonic()
        if now_s < self._judge_due_s and self._state[0] == "recording":
            return None
        self._judge_due_s = now_s + _JUDGED_S
        given_up = pipeline.poll()
        if given_up is not None:
            self._keyframe_wait_us = min(2 * self._keyframe_wait_us, _LONGEST_WAIT_US)
            self._give_up(pipeline, given_up)
            return given_up
        if pipeline.idle is not None:
            # While it connects, the cause is what it was before.
            return pipeline.idle if pipeline.is_connected or self._state[2] is None else None
        run = pipeline.run
        if run is None or run.segment is None or not run.frames:
            return None
        usual_us = max(pipeline.usual_us, pipeline.expected_us)
        return self._growth.judge(run.segment.written_until_us, usual_us, now_s)

    def _not_recording(self, why: Ended) -> None:
        state, since_us, cause, _ = self._state
        if state == "recording" or cause is not why.cause:
            self._log_once(why)
            since_us = _now_us()
        self._state = ("waiting", since_us, why.cause, why.detail)

    def _all_counted(self) -> Mapping[str, int]:
        """Since this recorder took the camera; looked at every five seconds, which thousands of cameras can afford."""
        now_s = time.monotonic()
        if now_s >= self._told_due_s or self._stopping is not None:
            self._told_due_s = now_s + _COUNT_S
            pipeline = self._pipeline
            self._told = self._counted if pipeline is None else added(self._counted, pipeline.counted())
        return self._told

    def _measure(self, run: Run) -> None:
        """Over the last five seconds or so: bits that came, and frames that were recorded."""
        now = time.monotonic()
        then, frames_then, bytes_then = self._measured if self._measured is not None else (now, 0, 0)
        if self._measured is not None and run.frames >= frames_then and now - then < _RATES_S:
            return
        bytes_ = self._source.counters.get("received_bytes", 0) if self._source is not None else 0
        # A new connection, and a new run, count from zero.
        if now > then and run.frames >= frames_then and bytes_ >= bytes_then:
            self._rates = (
                round((bytes_ - bytes_then) * 8 / (now - then)),
                round((run.frames - frames_then) / (now - then), 2),
            )
        self._measured = (now, run.frames, bytes_)


def _now_us() -> int:
    return time.time_ns() // 1000


# No lambdas of a method's: compiled, they and what they were made in refer to each other, and nothing would be freed
# before the garbage collector comes.
def _counters(source: Source) -> Mapping[str, int]:
    return source.counters


def _nobody(camera: str) -> None:
    """Who is notified of footage until somebody is."""
