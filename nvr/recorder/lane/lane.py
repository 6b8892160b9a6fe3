"""One connection's lane: when it is entered, what comes of a read, when it is left.

Called on the event loop; ``leave_locked`` and what any thread may ask under the pipeline's lock, which is held while a
read is taken. Invariant: either the lane has a connection's state or the reference has, and whoever asks the reference
for it calls ``sync`` before, or ``leave`` if something is to change.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from nvr import extension
from nvr.recorder.lane.crossing import Crossing
from nvr.recorder.lane.loading import EXTENSION
from nvr.recorder.lane.pool import LanePool, pool_of
from nvr.recorder.lane.reports import end_of_report
from nvr.recorder.loop.crash_slots import WORKING, mark_of
from nvr.recorder.media.fragments import Covered, MuxedFragment
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtsp.receiving import VideoReceiver
from nvr.recorder.sources.rtsp.source import NativeSource
from storage.format.boxes import Fragment, TrackFragment

if TYPE_CHECKING:
    from nvr.recorder.loop.rounds import Rounds
    from nvr.recorder.sources.rtsp.connection import Connection
    from nvr.recorder.sources.rtsp.framing import Framing

__all__ = ["FastLane", "give_lane", "take_lane"]

# Why the lane stopped, as ``packets/src/lane.rs`` numbers it.
_TAKEN, _TAKEN_WHOLE, _FRAGMENT, _FRAME, _OTHER, _PACKET, _ENDED, _BROKEN, _PANIC = range(9)
# It has not begun.
_BEGIN: Final = -1
# So many reads pass at most between two attempts to enter, of a connection that is not regular.
_MOST_SKIPPED: Final = 16


def give_lane(source: object, pipeline: Pipeline) -> None:
    """Gives a connection that is about to begin a lane, if its source has packets."""
    if isinstance(source, NativeSource) and extension.is_wanted():
        source.lane = pipeline.lane = FastLane(source, pipeline)


def take_lane(source: object, pipeline: Pipeline) -> None:
    """The connection is over, and its counts are known. The lane knows them and they it: nothing is to keep them."""
    pipeline.lane = None
    if isinstance(source, NativeSource):
        source.lane = None


class FastLane:
    """Of one connection. ``frames`` were taken by it so far, and ``handed_over`` says how often something was not
    regular."""

    def __init__(self, source: NativeSource, pipeline: Pipeline) -> None:
        self._source = source
        self._pipeline = pipeline
        self._lock = pipeline._lock
        self.camera = source.camera_id
        self._mark = mark_of(source.camera_id)
        self._crossing: Crossing | None = None
        self._framing: Framing | None = None
        self._video: VideoReceiver | None = None
        self._lane: Any = None
        # While it reads the socket itself.
        self._pool: LanePool | None = None
        self._number = 0
        self._connection: Connection | None = None
        # What decode times in fragments count from, as the lane knows it; the packets there were when it was last asked
        # for its counts.
        self._base = 0
        self._synced = -1
        self._skips = self._skip = 0
        self._frames = self._frames_before = 0
        self.handed_over = 0
        self.channel = -1

    def begin(self, video: VideoReceiver, framing: Framing) -> None:
        """The camera plays: from now on the lane may be entered."""
        self._crossing = Crossing(self._source, video, self._pipeline)
        self._video, self._framing = video, framing
        self.channel = video.track.channel

    @property
    def is_in(self) -> bool:
        """Whether the lane has the state."""
        return self._lane is not None

    @property
    def frames(self) -> int:
        """Frames that it took."""
        lane = self._lane
        return self._frames if lane is None else self._frames + int(lane.frames) - self._frames_before

    @property
    def came_so_far(self) -> tuple[int, int]:
        """As in ``PacketLane``."""
        lane = self._lane
        return int(lane.came), int(lane.frames)

    @property
    def open_us(self) -> int | None:
        """As in ``Source``."""
        lane = self._lane
        found: int | None = None if lane is None else lane.open_us
        return found

    @property
    def unwritten_us(self) -> int | None:
        """As in ``Fragmenter``."""
        lane = self._lane
        found: int | None = None if lane is None else lane.unwritten_us
        return found

    def is_newer(self, before_us: int) -> bool:
        """Whether it has a frame that was read after this."""
        lane = self._lane
        return lane is not None and lane.newest_us > before_us

    # In and out ------------------------------------------------------------------------------------------------------

    def settled(self) -> None:
        """The reference has settled a read: the lane is entered if what came is regular again."""
        crossing, framing = self._crossing, self._framing
        if self._lane is not None or crossing is None or framing is None:
            return
        if self._skip:
            self._skip -= 1
            return
        with self._lock:
            module = EXTENSION.look(self._pipeline._monotonic_us())
            if module is not None and framing.is_regular:
                self._lane = lane = crossing.enter(module, framing.memory)
                if lane is not None:
                    run = self._pipeline.run
                    assert run is not None
                    self._base, self._synced, self._frames_before = run._muxer._base, -1, lane.frames
                    self._skips = 0
                    return
        self._skip = self._skips = min(2 * self._skips + 1, _MOST_SKIPPED)

    def sync(self) -> None:
        """Gives the reference the counts, for somebody who asks."""
        lane, crossing = self._lane, self._crossing
        if lane is None or crossing is None:
            return
        came = lane.came
        if came != self._synced:
            self._synced = came
            crossing.counted(lane)

    def leave(self) -> None:
        """Gives the reference the state, for something to change it."""
        if self._lane is not None:
            with self._lock:
                self.leave_locked()

    def leave_locked(self) -> None:
        """The same under the pipeline's lock."""
        lane, crossing = self._lane, self._crossing
        if lane is not None and crossing is not None:
            connection, framing = self._connection, self._framing
            self.read_no_more()
            if connection is not None and framing is not None:
                if rest := lane.take_rest():
                    framing.put_rest(rest)
                connection.left()
            crossing.leave(lane)
            self._frames += lane.frames - self._frames_before
            self._lane = None

    # Its socket ------------------------------------------------------------------------------------------------------

    def read_in(self, rounds: Rounds, connection: Connection) -> None:
        """As in ``PacketLane``."""
        lane, framing, connected = self._lane, self._framing, connection.socket
        if lane is None or framing is None or connected is None:
            connection.left()
            return
        try:
            lane.listen(connected.fileno())
        except OSError:
            # No descriptor is left: what the connection reads goes through the lane all the same.
            connection.left()
            return
        lane.put_rest(framing.take_rest())
        lane.asked_due_us = self._source.asked_due_us
        self._connection = connection
        self._pool = pool = pool_of(rounds, EXTENSION.module)
        self._number = pool.add(self, lane)

    def read_no_more(self) -> None:
        """As in ``PacketLane``."""
        pool, self._pool, self._connection = self._pool, None, None
        if pool is not None:
            pool.remove(self._number)
            self._lane.ignore()

    def came(self, why: int, code: int, fragment: Any = None) -> None:
        """The extension has read the socket, and stopped because of this, ``code`` an error number; or because this
        ``fragment`` is whole, behind which the pool has it go on."""
        connection = self._connection
        if connection is None:
            return
        try:
            if fragment is not None:
                self._write_alone(self._lane, fragment)
                return
            while why and self._connection is connection:
                why, code = self._came(connection, why, code)
        except Exception as error:
            connection.fail(error)

    def _came(self, connection: Connection, why: int, code: int) -> tuple[int, int]:
        """Handles it; why the extension stopped then, if it went on."""
        lane, framing = self._lane, self._framing
        assert framing is not None
        if why == _PANIC:
            self._failed(RuntimeError("it panicked"), panicked=True)
        if why == _ENDED:
            self.leave()
            connection.eof_received()
            return 0, 0
        if why == _BROKEN:
            self.leave()
            connection.broke(OSError(code, os.strerror(code)))
            return 0, 0
        now_us, monotonic_us = self._pipeline._realtime_us(), self._pipeline._monotonic_us()
        if why == _FRAGMENT:
            self._write_alone(lane, lane.fragment())
        elif why == _TAKEN_WHOLE:
            # Unless a frame has begun already.
            self._source.whole_read(monotonic_us, lane.whole_time, is_last=not lane.has_rest)
            lane.asked_due_us = self._source.asked_due_us
            if not lane.is_full:
                return 0, 0
        else:
            connection.resumed(lane.take_rest(), why)
            if self._connection is not connection:
                return 0, 0
            lane.put_rest(framing.take_rest())
        why, code = lane.go_on(now_us, monotonic_us)
        return why, code

    def _write_alone(self, lane: Any, fragment: Any) -> None:
        try:
            with self._lock:
                try:
                    self._write(lane, fragment)
                except BaseException as error:
                    # Nobody goes on with it.
                    lane.take_rest()
                    self._failed(error)
                    raise
        except BaseException:
            # As after each read, whatever a handler raises.
            self._source.settle()
            raise

    # A read ----------------------------------------------------------------------------------------------------------

    def take(self, end: int, why: int = _BEGIN) -> int:
        """Takes what was read into the buffer, up to ``end``, or goes on where it stopped by itself. Returns where the
        rest begins, of which nothing can be said yet, and the read is settled; or -1 less where the reference is to go
        on.

        Raises:
            Ended: as ``PacketSink``.
            RuntimeError: a fault in the extension.
        """
        if self._lane is None:
            return -1
        try:
            return self._take(end, why)
        except BaseException:
            # As after each read, whatever a handler raises.
            self._source.settle()
            raise

    def _take(self, end: int, why: int) -> int:
        data, timestamp, keyframe = b"", 0, False
        with self._lock:
            lane = self._lane
            if lane is None:
                return -1
            pipeline = self._pipeline
            now_us, monotonic_us = pipeline._realtime_us(), pipeline._monotonic_us()
            at, report_end = 0, -1
            try:
                while True:
                    if why == _FRAGMENT:
                        self._write(lane, lane.fragment())
                    elif why == _OTHER and (stop := self._report(at, end)):
                        # Nothing that the lane has changes by it.
                        report_end = at = stop
                    elif why != _BEGIN:
                        break
                    found: int = lane.take(at, end, now_us, monotonic_us)
                    at, why = found >> 3, found & 7
                if why > _FRAGMENT:
                    if why == _FRAME:
                        data, timestamp, keyframe = lane.odd_frame()
                    self.handed_over += why != _OTHER
                    self.leave_locked()
            except BaseException as error:
                self._failed(error)
                raise
        if why == _TAKEN_WHOLE:
            self._source.whole_read(monotonic_us, lane.whole_time, is_last=at == end != report_end)
        elif why == _FRAME:
            assert self._video is not None
            self._video._take((CodedFrame([data], timestamp, keyframe, "", False),), -1)
        return at if why < _FRAGMENT else -1 - at

    def _report(self, at: int, end: int) -> int:
        """If there is a sender report, which comes every few seconds: takes it, and says where it ends; 0 if not."""
        framing, video = self._framing, self._video
        assert framing is not None and video is not None
        data = framing.memory
        stop = end_of_report(data, at, end, video.track.rtcp_channel, video.admission.payload_type)
        if not stop:
            return 0
        self.sync()
        # The read is not settled yet.
        self._synced = -1
        video.on_rtcp(memoryview(data)[at + 4 : stop])
        return stop

    def _failed(self, error: BaseException, *, panicked: bool = False) -> None:
        """Whatever it is ends the connection."""
        if panicked or type(error).__module__ == "pyo3_runtime":
            # It panicked: nothing that it says of its state can be relied upon.
            EXTENSION.give_up(error)
            self.read_no_more()
            self._lane = None
            raise RuntimeError("the extension failed") from None
        self.leave_locked()

    def _write(self, lane: Any, fragment: Any) -> None:
        """A fragment is whole."""
        WORKING.on(self._mark)
        pipeline = self._pipeline
        run, timeline = pipeline.run, pipeline._timeline
        assert run is not None and timeline is not None
        muxer, clock = run._muxer, timeline.clock
        data, place, rows, ending, times = fragment
        sequence, decode_time, data_offset, count, size = place
        end, sync, read_us = ending
        clock._base_media_us, clock._base_wall_us, clock._ppm = times
        part = TrackFragment(muxer.video_track.track_id, decode_time, data_offset, count, size, rows)
        run._write(
            MuxedFragment(
                [data],
                data_offset + size,
                Fragment(sequence, (part,), None),
                Covered(decode_time, end, count, sync),
                data_offset - 8,
                read_us,
            )
        )
        if muxer._base != self._base:
            self._base = muxer._base
            lane.begin_file(self._base)
        pipeline._note_footage(run)
