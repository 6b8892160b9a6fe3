"""The ``native`` source: our own RTSP client on the event loop, for H.264, H.265 and AAC over TCP.

It feeds the same sink as the ``av`` source with the same frames. A picture after a loss says so (``loss``): it is whole
itself, but pictures before it are missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from fractions import Fraction
from typing import Any, Final

import av
import av.error

from nvr.config import RecordedCamera
from nvr.recorder.loop.arrival import BURST_US, Jitter, Received
from nvr.recorder.loop.crash_slots import WORKING, mark_of
from nvr.recorder.loop.rounds import LATENESS
from nvr.recorder.media.inits import Template
from nvr.recorder.media.nal import annex_b, prefixed_parameter_sets
from nvr.recorder.media.packets import AudioFormat, AudioPacket, Ended, PacketLane, PacketSink
from nvr.recorder.media.packets import Frame as Packet
from nvr.recorder.sources.rtp.aac import AudioFrame
from nvr.recorder.sources.rtp.codecs import CODECS
from nvr.recorder.sources.rtp.errors import ClosedError, NativeError, TransportError, UnsupportedError, bare
from nvr.recorder.sources.rtp.frame import CodedFrame, Sense
from nvr.recorder.sources.rtp.sense import Seen
from nvr.recorder.sources.rtp.sps import reorder_depth
from nvr.recorder.sources.rtp.templates import audio_format, video_template
from nvr.recorder.sources.rtp.timing import DecodingTimes
from nvr.recorder.sources.rtp.units import kind_of
from nvr.recorder.sources.rtsp.audio import AudioReceiver
from nvr.recorder.sources.rtsp.causes import cause_of
from nvr.recorder.sources.rtsp.client import Handlers, RtspSession, RtspTrack, Target, open_session
from nvr.recorder.sources.rtsp.interleaving import video_receiver
from nvr.recorder.sources.rtsp.receiving import Clocks, VideoReceiver
from nvr.recorder.sources.rtsp.watch import ConnectionWatch
from storage.causes import Cause

__all__ = ["NativeSource"]

log = logging.getLogger(__name__)

# Keyframes without parameter sets, neither with them nor in the description, after which a camera is given up.
_BARE_KEYFRAMES: Final = 3
# A connection that ends within so long after the loop did not keep up was lost because of it.
_BEHIND_MATTERS_S: Final = 10.0
# What comes within so long after a goodbye takes it back.
_GOODBYE_S: Final = 1.0
# The kernel is asked when so many frames came, then every two seconds: to ask costs as much as a frame of a small
# camera.
_ASKED_AT_ONCE: Final = 16
_ASKED_EACH_US: Final = 2_000_000
_CLOCKS: Final = Clocks(lambda: time.time_ns() // 1000, lambda: time.monotonic_ns() // 1000)


class NativeSource:
    """One connection to one camera. ``unsupported`` says, after ``run``, what kept this source from reading a camera
    that another may read; ``refused_tcp``: it was the transport. ``burst_us``: see ``Jitter``."""

    def __init__(
        self, camera: RecordedCamera, sink: PacketSink, *, burst_us: int = BURST_US, clocks: Clocks = _CLOCKS
    ) -> None:
        self._camera = camera
        self._clocks = clocks
        self._mark = mark_of(camera.id)
        self._sink = sink
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt: asyncio.Future[None] | None = None
        self._stop_asked = False
        self._is_quick = False
        self._video: VideoReceiver | None = None
        self._audio: AudioReceiver | None = None
        self._video_template: Template | None = None
        self._audio_format: AudioFormat | None = None
        self._codec = ""
        self._sets: tuple[bytes, ...] = ()
        self._times: DecodingTimes | None = None
        self._received = Received(camera.silence_us)
        self._burst_us = burst_us
        self._packets_read = 0
        self._jitter: Jitter | None = None
        self._asked_due_us = 0
        # The last frame that a packet ended of itself, the packets there were then, and its decoding time.
        self._whole_at = -1
        self._whole_dts = 0
        self._time_base = Fraction(1, 90_000)
        self._audio_rate = 8_000
        self._audio_failed = False
        self._bare_keyframes = 0
        self._session: RtspSession | None = None
        self.lane: PacketLane | None = None
        self.unsupported: str | None = None
        self.refused_tcp = False

    @property
    def camera_id(self) -> str:
        """Whose connection it is."""
        return self._camera.id

    @property
    def video(self) -> VideoReceiver | None:
        """Who gets the packets of the video, once that is set up."""
        return self._video

    def stop(self) -> None:
        """Asks for an end; from any thread."""
        self._stop_asked = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and the connection with it
                self._loop.call_soon_threadsafe(self._stop_now)

    def _stop_now(self) -> None:
        if self._halt is not None and not self._halt.done():
            self._halt.set_result(None)

    @property
    def counters(self) -> dict[str, int]:
        """What was counted on this connection; packets, pictures, bytes and microseconds."""
        if self._video is None:
            return {}
        lane = self._synced()
        return {
            "packets": self._video.packets,
            "received": self.sense.frames,
            "received_bytes": self._video.bytes + (self._audio.bytes if self._audio is not None else 0),
            "received_us": self._received.us,
            **(self._jitter.counts() if self._jitter is not None else {}),
            **({"by_extension": lane.frames, "handed_over": lane.handed_over} if lane is not None else {}),
            **self.faults,
        }

    def _synced(self) -> PacketLane | None:
        """The lane, whose counts are known now."""
        lane = self.lane
        if lane is not None:
            lane.sync()
        return lane

    @property
    def open_us(self) -> int | None:
        """As in ``Source``."""
        lane = self.lane
        if lane is not None and lane.is_in:
            return lane.open_us
        return self._video.open_us if self._video is not None else None

    def be_quick(self, quick: bool) -> None:
        """As in ``Source``."""
        self._is_quick = quick
        if self._session is not None:
            if self.lane is not None:
                self.lane.leave()
            self._session.connection.read_in_rounds(quick=quick)

    def pause(self) -> None:
        """As in ``Source``."""
        try:
            if self.lane is not None:
                self.lane.leave()
            if self._video is not None:
                self._video.pause()
        except Exception as error:
            if self._session is not None:
                self._session.connection.fail(error)

    @property
    def sense(self) -> Sense:
        """Whether what comes on this connection makes sense: ``units`` and ``frames`` that stand still while ``ends``
        rises say that it does not, and so do ``keyframes`` that stay behind ``keyframes_begun``. The same object until
        the connection ends; all zero before there is one."""
        return self._video.depacketiser.sense if self._video is not None else Sense()

    @property
    def seen(self) -> Seen:
        """What was counted of what comes, for the question whether it makes sense."""
        self._synced()
        sense, video = self.sense, self._video
        packets, lost = (video.packets, video.sequence.lost) if video is not None else (0, 0)
        return Seen(packets, lost, sense.units, sense.ends, sense.frames, sense.keyframes_begun, sense.keyframes)

    @property
    def silent(self) -> bool:
        """Whether the camera has begun to play, and nothing has come."""
        return self._session is not None and self._video is not None and self._video.packets == 0

    @property
    def faults(self) -> dict[str, int]:
        """What went wrong on this connection; packets, pictures and bytes."""
        video = self._video
        if video is None:
            return {}
        self._synced()
        counts = video.depacketiser.counts
        strangers = self._session.connection.strangers if self._session is not None else 0
        return {
            "lost_packets": video.sequence.lost,
            "duplicate_packets": video.sequence.duplicates,
            "restarts": video.sequence.restarts,
            "damaged": counts.damaged,
            "undecodable": counts.undecodable,
            "malformed": counts.malformed + video.malformed,
            "ignored": counts.ignored + video.admission.ignored + strangers,
            "split": counts.split,
            "unmarked": counts.unmarked,
            "doubtful": counts.doubtful,
            "retimed": self._times.retimed if self._times is not None else 0,
            "junk_bytes": self._session.connection.junk_bytes if self._session is not None else 0,
        }

    async def run(self) -> Ended:
        """Connects and reads until it ends; says why."""
        self._loop = asyncio.get_running_loop()
        self._halt = self._loop.create_future()
        work = asyncio.create_task(self._run(), name=f"native-{self._camera.id}")
        try:
            if not self._stop_asked:
                ends: set[asyncio.Future[Any]] = {work, self._halt}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            return Ended(Cause.SERVER_DOWN, {"reason": "stopped"})
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            for receiver in (self._video, self._audio):
                if receiver is not None:
                    receiver.let_go()

    async def _run(self) -> Ended:
        camera = self._camera
        target = Target(camera, camera.stall_timeout_us / 1e6)
        try:
            session = await open_session(target, handlers=self.handlers)
        except Exception as error:
            return self._ours_if_late(self._why(error, plays=False), error)
        self.begin(session)
        self._sink.connected()
        if session.no_audio:
            self._sink.no_audio(session.no_audio)
        watch = ConnectionWatch(session, camera.silence_us / 1e6, self._came, self.report)
        try:
            ended = self._why(await watch.ended(), plays=True)
            if ended.cause in (Cause.ENDED, Cause.STALLED) and self._video is not None:
                if self.lane is not None:
                    self.lane.leave()
                self._video.end()
        except Exception as error:
            ended = self._why(error, plays=True)
        finally:
            session.close()
        late = asyncio.get_running_loop().time() - watch.behind_at < _BEHIND_MATTERS_S
        if late and ended.cause in (Cause.ENDED, Cause.STALLED):
            # A camera whose data nobody takes gives up: the fault is here.
            told = f"this machine was {watch.behind_s:.1f} s behind: {ended.detail.get('error', ended.cause)}"
            ended = Ended(Cause.OVERLOAD, {**ended.detail, "error": told})
        return Ended(ended.cause, {**ended.detail, **{name: count for name, count in self.faults.items() if count}})

    def _ours_if_late(self, ended: Ended, error: Exception) -> Ended:
        """Why the camera did not come to play: one that hangs up while it waits for this machine is not at fault."""
        is_late = self._clocks.monotonic_us() / 1e6 - LATENESS.behind_at_s < _BEHIND_MATTERS_S
        if not (is_late and isinstance(error, ClosedError)):
            return ended
        told = f"this machine was {LATENESS.behind_s:.1f} s behind: {ended.detail.get('error', ended.cause)}"
        return Ended(Cause.OVERLOAD, {**ended.detail, "error": told})

    def begin(self, session: RtspSession) -> None:
        """The camera plays."""
        self._session = session
        if self.lane is not None and self._video is not None:
            self.lane.begin(self._video, session.connection.offer(self.lane))
        session.connection.read_in_rounds(quick=self._is_quick)

    def handlers(self, track: RtspTrack) -> Handlers:
        """Who gets the packets of a track that is being set up."""
        ssrc = secrets.randbits(32)
        if track.media.kind == "video":
            self._time_base = Fraction(1, track.media.clock_rate)
            self._codec = track.media.codec
            self._jitter = Jitter(track.media.clock_rate, self._burst_us)
            video = self._video = video_receiver(track, ssrc, self._clocks, self._picture, self._clock, self._at_bye)
            return Handlers(video.on_rtp, video.on_rtcp, video.skim, self.settle)
        self._audio_rate = track.media.clock_rate
        self._audio_format = audio_format(track.media)
        audio = self._audio = AudioReceiver(track, ssrc, self._clocks, lambda: self._video, self._frame, _nothing)
        return Handlers(self._on_audio, audio.on_rtcp)

    def _on_audio(self, data: memoryview) -> None:
        """A packet of sound. A fault of ours in reading it costs that sound alone."""
        audio = self._audio
        if audio is None or self._audio_failed:
            return
        try:
            audio.on_rtp(data)
        except Ended:
            raise
        except Exception:
            self._audio_failed = True
            log.exception("camera %s: its sound can't be read any more: report this, with these lines", self._camera.id)

    # Packets ---------------------------------------------------------------------------------------------------------

    def _picture(self, picture: CodedFrame, pts: int, arrived_us: int, waited_us: int) -> None:
        WORKING.on(self._mark)
        sets: tuple[bytes, ...] = ()
        if picture.keyframe:
            data = picture.data
            sets = prefixed_parameter_sets(self._codec, data)
            if not self._at_keyframe(sets, data):
                return
        times = self._times
        if times is None:
            return
        pts, dts = times.next(pts)
        if not (picture.late or waited_us):
            assert self._video is not None
            self._whole_at, self._whole_dts = self._video.packets, dts
        loss = picture.loss
        if picture.keyframe:
            # To learn what a first one says may take a while.
            waited_us = max(waited_us, self._clocks.monotonic_us() - arrived_us)
        self._sink.packet(
            Packet(picture.parts, sets, self._time_base, pts, dts, picture.keyframe, loss, waited_us=waited_us)
        )

    def settle(self) -> None:
        """A read ended. If the last that came is the end of a frame, the kernel knows when that came."""
        video = self._video
        assert video is not None
        video.settle()
        if video.packets == self._packets_read:
            return
        self._packets_read = video.packets
        is_whole = self._whole_at == video.packets
        # Where the read ended with a frame, the clock was asked a moment ago.
        now_us = video.took_us if is_whole else self._clocks.monotonic_us()
        self._received.came(now_us)
        if is_whole and self._session is not None and self._is_asked(now_us):
            connection = self._session.connection
            if connection.tail == video.track.channel:
                self._ask(now_us, self._whole_dts)
        if is_whole and self.lane is not None:
            self.lane.settled()

    def whole_read(self, now_us: int, dts: int, *, is_last: bool) -> None:
        """A read ended in the lane; the last packet that came was the end of a frame of this decoding time, and with
        ``is_last`` nothing was behind it."""
        if self._is_asked(now_us) and is_last:
            self._ask(now_us, dts)

    @property
    def asked_due_us(self) -> int:
        """From when on a read that ends with a frame is to be told, by the monotonic clock."""
        return self._asked_due_us

    def _is_asked(self, now_us: int) -> bool:
        """Whether the kernel is to be asked now."""
        jitter = self._jitter
        if now_us < self._asked_due_us or jitter is None:
            return False
        if jitter.readings >= _ASKED_AT_ONCE:
            self._asked_due_us = now_us + _ASKED_EACH_US
        return True

    def _ask(self, now_us: int, dts: int) -> None:
        jitter, session = self._jitter, self._session
        if jitter is not None and session is not None and (quiet_us := session.connection.quiet_us()) is not None:
            jitter.arrived(dts, now_us - quiet_us)
            self._sink.arrived(quiet_us)

    def _at_keyframe(self, sets: tuple[bytes, ...], data: bytes) -> bool:
        """Learns what a keyframe's own parameter sets say; False as long as there are none at all."""
        assert self._video is not None
        codec = self._codec
        if self._video_template is None:
            media = self._video.track.media
            # The keyframe's own sets win, then the last that came before it; the description's fill in the kinds that
            # are not there.
            for others in (self._video.depacketiser.sets.values(), media.parameter_sets):
                kinds = {kind_of(codec, unit) for unit in sets}
                sets = (*(unit for unit in others if kind_of(codec, unit) not in kinds), *sets)
            if len({kind_of(codec, unit) for unit in sets}) < CODECS[codec].least_sets:
                self._bare_keyframes += 1
                if self._bare_keyframes >= _BARE_KEYFRAMES:
                    raise Ended(Cause.REJECTED, {"error": "the camera sends no parameter sets"})
                return False
            self._video_template = video_template(codec, sets, annex_b(data))
            self._times = DecodingTimes(media.clock_rate, reorder_depth(codec, sets))
            self._sink.open(self._video_template)
        elif sets and sets != self._sets and self._times is not None:
            self._times.deepen(reorder_depth(codec, sets))
        self._sets = sets or self._sets
        return True

    def _at_bye(self) -> None:
        """The camera says that the video ends. Some go on all the same, as another sender."""
        assert self._video is not None
        if self._loop is not None:
            self._loop.call_later(_GOODBYE_S, self._gone, self._video.taken)

    def _gone(self, packets: int) -> None:
        self._synced()
        if self._session is not None and self._video is not None and self._video.taken == packets:
            self._session.connection.fail(ClosedError("the camera ended the stream (RTCP BYE)"))

    def _clock(self, at_us: int, camera_us: int) -> None:
        self._sink.camera_clock(at_us, camera_us, "rtcp")

    def _frame(self, frame: AudioFrame, pts: int) -> None:
        format_ = self._audio_format
        if self._video_template is not None and format_ is not None:
            pts = pts * format_.rate // self._audio_rate
            self._sink.audio(AudioPacket(format_, frame.data, pts, format_.unit_samples or frame.samples))

    def _came(self) -> tuple[int, int]:
        lane = self.lane
        if lane is not None and lane.is_in:
            return lane.came_so_far
        return self._video.packets if self._video is not None else 0, self.sense.frames

    def report(self) -> None:
        """Sends receiver reports."""
        assert self._session is not None
        self._synced()
        for receiver in (self._video, self._audio):
            if receiver is not None and receiver.packets:
                self._session.connection.send_packet(
                    receiver.track.rtcp_channel, receiver.reports.report(self._clocks.monotonic_us())
                )

    # How it ended ----------------------------------------------------------------------------------------------------

    def _why(self, error: Exception, *, plays: bool) -> Ended:
        """The cause. ``plays``: the camera had begun to."""
        ended = self._cause(error, plays=plays)
        bare(error)
        return ended

    def _cause(self, error: Exception, *, plays: bool) -> Ended:
        if isinstance(error, UnsupportedError):
            self.unsupported = str(error)
            self.refused_tcp = isinstance(error, TransportError)
        if isinstance(error, Ended):
            return error
        if isinstance(error, OSError | NativeError) and not isinstance(error, av.error.FFmpegError):
            return cause_of(error, plays=plays)
        if isinstance(error, av.error.FFmpegError):
            return Ended(Cause.CORRUPT, {"error": f"the camera's parameters can't be read: {error.strerror}"})
        log.error(
            "camera %s: the recorder failed and connects again; report this, with these lines",
            self._camera.id,
            exc_info=error,
        )
        return Ended(Cause.RECORDER_CRASHED, {"error": type(error).__name__})


def _nothing() -> None:
    """Sound that ends costs no picture."""
