"""The ``av`` source: PyAV/FFmpeg reading one camera in a thread of its own.

Only the reading thread touches its container: closing it from another one crashes the process. There is no way to
interrupt a read, so ``stop`` sets a flag and FFmpeg's own timeout bounds the wait.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import av
import av.error
import av.logging

from nvr.config import RecordedCamera
from nvr.recorder.loop.crash_slots import WORKING
from nvr.recorder.media.packets import Ended, PacketSink
from nvr.recorder.sources import failures
from nvr.recorder.sources.av_frames import AudioEdge, VideoEdge
from nvr.recorder.sources.relay import Relay
from storage.causes import Cause

__all__ = ["AvSource", "quiet_ffmpeg"]

log = logging.getLogger(__name__)

# How long FFmpeg may look at a stream before it says what it is (µs). Parameters come with the session description;
# this bounds cameras that describe themselves badly.
_ANALYZE_US: Final = "3000000"
# The least that FFmpeg looks at (bytes): one packet of each kind.
_LEAST_BYTES: Final = "32"
_CLOCK_S: Final = 5.0
_YEAR_US: Final = 365 * 86_400_000_000
_REFERENCE_TIME: Final = struct.Struct("@q")


def quiet_ffmpeg() -> None:
    """FFmpeg's own log callback and nothing below fatal: PyAV's takes the GIL on every line, and lines hold URLs with
    passwords."""
    av.logging.restore_default_callback()
    av.logging.set_libav_level(av.logging.FATAL)


class AvSource:
    """One connection to one camera. ``transport``: ``tcp`` or ``udp``, instead of that of the camera's settings."""

    def __init__(self, camera: RecordedCamera, sink: PacketSink, transport: str | None = None) -> None:
        self._camera = camera
        self._transport = camera.transport if transport is None else transport
        self._sink = sink
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._clock_due_s = 0.0
        self._relay: Relay | None = None
        self._frames: VideoEdge | None = None
        self._sounds: AudioEdge | None = None

    def stop(self) -> None:
        """Asks the reading thread to end."""
        self._stop.set()
        if (relay := self._relay) is not None:
            # FFmpeg can't be interrupted, but what it reads ends.
            relay.close()

    async def run(self) -> Ended:
        """Connects and reads until it ends; says why."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Ended] = loop.create_future()

        def work() -> None:
            with WORKING.thread(self._camera.id):
                ended = self._read_all()
            try:
                loop.call_soon_threadsafe(_settle, done, ended)
            except RuntimeError:
                # The worker is gone already; it has closed the run itself.
                log.debug("camera %s: its reader outlived the worker", self._camera.id)

        self._thread = threading.Thread(target=work, name=f"av-{self._camera.id}", daemon=True)
        self._thread.start()
        try:
            return await done
        finally:
            self._stop.set()

    @property
    def open_us(self) -> int | None:
        """As in ``Source``: FFmpeg holds each frame until the next one begins, and gives it out then."""
        frames, relay = self._frames, self._relay
        if frames is not None and frames.is_raw:
            return frames.handed_us or None
        video = None if relay is None else relay.video
        return None if video is None else video.open_us

    def be_quick(self, quick: bool) -> None:
        """As in ``Source``: FFmpeg gives out what comes at once in any case."""

    def pause(self) -> None:
        """As in ``Source``."""
        if (relay := self._relay) is not None:
            relay.pause()

    @property
    def counters(self) -> Mapping[str, int]:
        """What came, and when, and what the relay saw of its packets: FFmpeg does not tell what went wrong."""
        relay, frames = self._relay, self._frames
        if relay is None:
            return {}
        seen = relay.counts
        if frames is None:
            return seen
        # What the relay saw of the bytes is what came; FFmpeg gives those of frames.
        counts = frames.counts()
        received = max(counts.get("received", 0), seen.get("received", 0))
        counts = {**counts, **seen, "received": received}
        if self._sounds is not None:
            counts["received_bytes"] += self._sounds.bytes
        return counts

    def _look_at_clock(self, packet: av.Packet[Any]) -> None:
        """FFmpeg ties packets to the camera's clock by its sender reports; every five seconds that is passed on."""
        now_s = time.monotonic()
        if now_s < self._clock_due_s or not packet.has_sidedata("prft"):
            return
        self._clock_due_s = now_s + _CLOCK_S
        data = bytes(packet.get_sidedata("prft"))
        if len(data) < _REFERENCE_TIME.size:
            return
        # AVProducerReferenceTime: microseconds of the Unix epoch, then flags.
        (camera_us,) = _REFERENCE_TIME.unpack_from(data)
        now_us = time.time_ns() // 1000
        # A camera without a clock may count from its start, which reads as 1900 or 2036 (RFC 3550 6.4.1).
        if 0 < camera_us < now_us + _YEAR_US:
            self._sink.camera_clock(now_us, camera_us, "prft")

    def _read_all(self) -> Ended:
        try:
            return self._read()
        except Ended as ended:
            return ended
        except Exception as error:
            # A fault of ours must be told, and must not end recording for good.
            log.exception(
                "camera %s: the recorder failed and connects again; report this, with these lines", self._camera.id
            )
            return Ended(Cause.RECORDER_CRASHED, {"error": type(error).__name__})

    def _read(self) -> Ended:
        camera = self._camera
        # A stalled read lasts about twice FFmpeg's timeout.
        timeout_us = camera.silence_us // 2
        audio, why = camera.audio, ""
        while True:
            relay = self._relay = Relay(camera, self._transport, audio=audio, on_play=self._sink.connected)
            try:
                address = relay.open()
                if self._stop.is_set():
                    return Ended(Cause.SERVER_DOWN, {"reason": "stopped"})
                return self._read_from(relay, address, timeout_us, why)
            except Ended:
                why = relay.fails_with_audio
                if not (audio and why):
                    raise
                audio = False
            finally:
                relay.close()

    def _read_from(self, relay: Relay, address: str, timeout_us: int, no_audio: str) -> Ended:
        camera = self._camera
        began = time.monotonic()
        options = {
            "rtsp_transport": "tcp",
            "timeout": str(timeout_us),
            "allowed_media_types": "video+audio" if camera.audio else "video",
            "analyzeduration": _ANALYZE_US,
            "fpsprobesize": "0",
        }
        if relay.judges:
            # FFmpeg would decode seven frames to learn how far they are reordered, which the relay knows.
            options["probesize"] = _LEAST_BYTES
        try:
            container = av.open(address, options=options)
        except (av.error.FFmpegError, ValueError) as error:
            why = relay.ended or relay.refusal
            raise why or failures.from_open(error, time.monotonic() - began, timeout_us / 1e6) from None
        with container:
            if no_audio or relay.no_audio:
                self._sink.no_audio(no_audio or relay.no_audio)
            if not container.streams.video:
                return Ended(Cause.REJECTED, {"error": "the camera offers no video that can be read"})
            video = container.streams.video[0]
            if getattr(video, "codec_context", None) is None:
                # FFmpeg has no name for what the camera calls it.
                return Ended(Cause.REJECTED, {"error": "the camera offers no video that can be read"})
            audio = container.streams.audio[0] if camera.audio and container.streams.audio else None
            has_audio = audio is not None and not relay.no_audio
            frames = self._frames = VideoEdge(video, self._sink, camera.silence_us, relay.video, has_audio=has_audio)
            sounds = self._sounds = AudioEdge(audio, self._sink) if has_audio else None
            packets = container.demux([video] if audio is None else [video, audio])
            while not self._stop.is_set():
                try:
                    packet = next(packets)
                except StopIteration:
                    frames.end()
                    if self._stop.is_set():
                        break
                    return relay.ended or Ended(Cause.ENDED, {"error": "the camera closed the connection"})
                except av.error.FFmpegError as error:
                    if self._stop.is_set():
                        break
                    raise relay.ended or failures.from_read(error) from None
                if not packet.size:
                    # FFmpeg's word that nothing more of this stream follows.
                    continue
                if packet.stream_index == video.index:
                    self._look_at_clock(packet)
                    frames.take(packet)
                elif sounds is not None:
                    sounds.take(packet)
        return Ended(Cause.SERVER_DOWN, {"reason": "stopped"})


def _settle(done: asyncio.Future[Ended], ended: Ended) -> None:
    if not done.done():
        done.set_result(ended)
