"""The edge of FFmpeg's demuxers: their packets become frames and sound of our own, and go to the sink.

Invariant: behind it nothing of FFmpeg is left; every frame can be decoded as far as is known, has both times, and is
not shown before it is decoded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final

import av

from nvr.recorder.loop.arrival import Jitter, Received
from nvr.recorder.media.audio_config import aac_format, adts_frames
from nvr.recorder.media.nal import prefixed_parameter_sets
from nvr.recorder.media.packets import AudioFormat, AudioPacket, Ended, Frame, PacketSink
from nvr.recorder.sources.av_judge import COMMON_BASE, FfmpegJudge, Judged
from nvr.recorder.sources.av_opening import TrackOpening
from nvr.recorder.sources.relay.marks import Marked
from nvr.recorder.sources.relay.video import PassedOn, RelayedVideo
from nvr.recorder.sources.rtp.codecs import CODECS
from storage.causes import Cause

__all__ = ["AudioEdge", "VideoEdge"]

# FFmpeg knows a stream's first times only with its second frame.
_MOST_UNTIMED: Final = 7
_G711: Final = ("pcm_mulaw", "pcm_alaw")


class VideoEdge:
    """The frames of one connection. Its ``take`` raises what the sink raises, and ``Ended`` if the camera sends what
    can't be recorded. ``relayed``: who put the frames together that FFmpeg was given; None: nobody did, and FFmpeg's
    own reading is judged. ``has_audio``: FFmpeg's times say how video and sound lie to each other."""

    def __init__(
        self, stream: Any, sink: PacketSink, silence_us: int, relayed: RelayedVideo | None, *, has_audio: bool
    ) -> None:
        self._sink = sink
        self._relayed = relayed
        self._has_audio = has_audio
        self._codec = str(stream.codec_context.name)
        if self._codec not in CODECS:
            raise Ended(Cause.REJECTED, {"error": f"video codec {self._codec} is not H.264 or H.265"})
        self._judge = FfmpegJudge(self._codec, bytes(stream.codec_context.extradata or b""))
        self.is_raw = relayed is None
        """Whether FFmpeg's own reading is what counts."""
        rate, described = COMMON_BASE.denominator, self._judge.described
        if relayed is not None:
            rate, described = relayed.media.clock_rate, relayed.media.parameter_sets
        self._base = Fraction(1, rate)
        self._opening = TrackOpening(self._codec, described, rate)
        # What FFmpeg's times are further on than those of the relay, if that matters; None before one is known.
        self._offset: int | None = None if has_audio else 0
        self._untimed: list[PassedOn] = []
        self.received = 0
        """Frames that came, decodable or not."""
        self.bytes = 0
        """Of them."""
        self._came = Received(silence_us)
        self._jitter = Jitter(COMMON_BASE.denominator)
        self.handed_us = 0
        """When FFmpeg last gave out a frame by its own reading, and so when the one began that it holds: by the
        monotonic clock, microseconds; 0 before the first."""

    def take(self, packet: av.Packet[Any]) -> None:
        """A packet of FFmpeg's."""
        now_us = _now_us()
        self._came.came(now_us)
        relayed, data = self._relayed, bytes(packet)
        marks = [] if relayed is None else relayed.mark.find(self._codec, data)
        frames = [] if self.is_raw else self._of_relay(packet, marks)
        self._give_all(frames)
        if raw := [mark for mark in marks if not mark.number]:
            self._begin_raw(packet, data, raw, now_us)
        elif self.is_raw:
            self._take_raw(packet, now_us, 0)

    def end(self) -> None:
        """No more comes."""
        untimed, self._untimed = self._untimed, []
        self._give_all(untimed)
        if self.is_raw:
            self._give_judged(self._judge.end())

    def counts(self) -> dict[str, int]:
        """As counted; names are those of storage/catalogue/counters.py."""
        return {
            "received": self.received,
            "received_bytes": self.bytes,
            "received_us": self._came.us,
            **self._jitter.counts(),
        }

    # What the relay put together -------------------------------------------------------------------------------------

    def _of_relay(self, packet: av.Packet[Any], marks: Iterable[Marked]) -> list[PassedOn]:
        """The frames that this packet stands for, once it is known when they are shown. What has no mark is a piece of
        the one before."""
        assert self._relayed is not None
        taken = [self._relayed.taken(mark.number) for mark in marks if mark.number]
        found = [frame for frame in taken if frame is not None]
        if found and packet.pts is not None and self._has_audio:
            self._offset = round(packet.pts * Fraction(packet.time_base) / self._base) - found[0].begins
        self._untimed += found
        if self._offset is None and len(self._untimed) < _MOST_UNTIMED:
            return []
        frames, self._untimed = self._untimed, []
        return frames

    def _give_all(self, frames: Iterable[PassedOn]) -> None:
        for frame in frames:
            self._give(frame)
            # Only now: what has come and was not given counts as waiting for a keyframe.
            self.received += 1
            if self._relayed is not None:
                self._relayed.given = frame.number

    def _give(self, passed: PassedOn) -> None:
        coded = passed.frame
        sets: tuple[bytes, ...] = ()
        if coded.keyframe:
            sets = prefixed_parameter_sets(self._codec, coded.data)
            self._at_keyframe(sets, passed.sets, coded.data)
        times = self._opening.times
        if times is None:
            return
        pts, dts = times.next(passed.ticks + (self._offset or 0))
        # Only now: to learn what a first keyframe says may take a while.
        waited_us = max(0, _now_us() - passed.arrived_us)
        frame = Frame(coded.parts, sets, self._base, pts, dts, coded.keyframe, coded.loss, 0, waited_us)
        self.bytes += frame.size
        self._jitter.arrived(dts * COMMON_BASE.denominator // self._base.denominator, passed.arrived_us)
        self._sink.packet(frame)

    # What FFmpeg read by itself --------------------------------------------------------------------------------------

    def _begin_raw(self, packet: av.Packet[Any], data: bytes, marks: list[Marked], now_us: int) -> None:
        """From here on FFmpeg's own reading counts, or something is missing in it."""
        self.is_raw = True
        for mark in marks:
            self._judge.lose(mark.loss)
        size = self._relayed.mark.size(self._codec) if self._relayed is not None else 0
        if len(marks) == 1 and marks[0].at <= 1:
            self._take_raw(packet, now_us, marks[0].at + size)

    def _take_raw(self, packet: av.Packet[Any], now_us: int, skip: int) -> None:
        # FFmpeg hands out a frame when the next one begins: so that is when the one before was handed out.
        arrived_us, self.handed_us = self.handed_us or now_us, now_us
        self.bytes += packet.size
        self._give_judged(self._judge.take(packet, arrived_us, skip))
        self.received += 1

    def _give_judged(self, judged: Iterable[Judged]) -> None:
        for found in judged:
            coded, at = found.frame, found.time
            self._jitter.arrived(round(at.dts * at.base / COMMON_BASE), at.arrived_us)
            sets: tuple[bytes, ...] = ()
            if coded.keyframe:
                sets = prefixed_parameter_sets(self._codec, coded.data)
                self._at_keyframe(sets, self._judge.sets, coded.data)
            if self._opening.times is None:
                continue
            waited_us = max(0, _now_us() - at.arrived_us)
            frame = Frame(
                coded.parts, sets, at.base, at.pts, at.dts, coded.keyframe, coded.loss, at.duration, waited_us
            )
            frame.read_us = self.handed_us
            self._sink.packet(frame)

    def _at_keyframe(self, sets: tuple[bytes, ...], earlier: tuple[bytes, ...], data: bytes) -> None:
        template = self._opening.at_keyframe(sets, earlier, data)
        if template is not None:
            self._sink.open(template)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


class AudioEdge:
    """The sound of one connection."""

    def __init__(self, stream: Any, sink: PacketSink) -> None:
        self._sink = sink
        # FFmpeg has none for what it has no name for.
        context = getattr(stream, "codec_context", None)
        self._codec = str(context.name) if context is not None else ""
        self._is_told = False
        self.bytes = 0
        """Of sound that came."""
        self._format: AudioFormat | None = None
        if context is None:
            self._refuse("a codec without a name")
            return
        if self._codec in _G711:
            self._format = AudioFormat(self._codec, context.sample_rate, context.layout.nb_channels)
        elif self._codec == "aac" and context.extradata:
            self._format = aac_format(bytes(context.extradata), context.sample_rate, context.layout.nb_channels)
        if self._format is None and not (self._codec == "aac" and not context.extradata):
            self._refuse(f"{self._codec} as this camera sends it" if self._codec == "aac" else self._codec)

    def _refuse(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._sink.no_audio(why)

    def take(self, packet: av.Packet[Any]) -> None:
        """A packet of FFmpeg's."""
        at = None if packet.pts is None else packet.pts * Fraction(packet.time_base)
        data = bytes(packet)
        self.bytes += len(data)
        form = self._format
        if form is not None:
            samples = form.unit_samples or len(data) // max(1, form.channels)
            self._sink.audio(AudioPacket(form, data, None if at is None else round(at * form.rate), samples))
        elif not self._is_told:
            frames = adts_frames(data)
            if not frames:
                self._refuse("AAC without a description, and not ADTS either")
            for form, raw in frames:
                self._sink.audio(
                    AudioPacket(form, raw, None if at is None else round(at * form.rate), form.unit_samples)
                )
                at = None if at is None else at + Fraction(form.unit_samples, form.rate)
