"""The edge of FFmpeg's demuxers: their packets become frames and sound of our own, and go to the sink.

Invariant: behind it nothing of FFmpeg is left; every frame has both times, and none is shown before it is decoded.
"""

from __future__ import annotations

import time
from collections import deque
from fractions import Fraction
from typing import Any, Final

import av

from nvr.recorder.clocks.timestamps import Completer
from nvr.recorder.loop.arrival import Jitter, Received
from nvr.recorder.media.access_units import joined, length_bytes, parameter_units, units_of
from nvr.recorder.media.audio_config import aac_format, adts_frames
from nvr.recorder.media.nal import annex_b, prefixed_parameter_sets
from nvr.recorder.media.packets import AudioFormat, AudioPacket, Ended, Frame, PacketSink
from nvr.recorder.sources.relay.video import LossMark
from nvr.recorder.sources.rtp.templates import video_template
from storage.causes import Cause

__all__ = ["AudioEdge", "VideoEdge"]

_COMMON_BASE: Final = Fraction(1, 90_000)
# Coarser, and times of frames that follow each other fast are the same; finer, and a day's ticks need more than what
# boxes hold.
_COARSEST, _FINEST = 1_000, 10_000_000
# Keyframes without parameter sets, neither with them nor before, after which a camera is given up.
_BARE_KEYFRAMES: Final = 3
_G711: Final = ("pcm_mulaw", "pcm_alaw")


class VideoEdge:
    """The frames of one connection. Its ``take`` raises what the sink raises, and ``Ended`` if the camera sends what
    can't be recorded."""

    def __init__(self, stream: Any, sink: PacketSink, silence_us: int, mark: LossMark) -> None:
        self._sink = sink
        self._mark = mark
        self._loss = ""
        self._codec = str(stream.codec_context.name)
        if self._codec not in ("h264", "hevc"):
            raise Ended(Cause.REJECTED, {"error": f"video codec {self._codec} is not H.264 or H.265"})
        extradata = bytes(stream.codec_context.extradata or b"")
        self._lengths = length_bytes(self._codec, extradata)
        self._described = parameter_units(self._codec, extradata)
        self._completer = Completer()
        self.received = 0
        """Frames that came, decodable or not."""
        self.bytes = 0
        """Of them."""
        self._came = Received(silence_us)
        self._jitter = Jitter(_COMMON_BASE.denominator)
        self.handed_us = 0
        """When FFmpeg last gave out a frame, and so when the one began that it holds: by the monotonic clock,
        microseconds; 0 before the first."""
        self._arrivals_us: deque[int] = deque()
        self._is_open = False
        self._bare_keyframes = 0

    def take(self, packet: av.Packet[Any]) -> None:
        """A packet of FFmpeg's, which the sink gets once its times are known."""
        # FFmpeg hands out a frame when the next one begins: so that is when the one before was handed out.
        now_us = time.monotonic_ns() // 1000
        self.received += 1
        self.bytes += packet.size
        self._came.came(now_us)
        self._arrivals_us.append(self.handed_us or now_us)
        self.handed_us = now_us
        for timed in self._completer.add(packet):
            arrived_us = self._arrivals_us.popleft()
            self._note(timed, arrived_us)
            self._give(timed, now_us - arrived_us)

    def _note(self, packet: av.Packet[Any], arrived_us: int) -> None:
        """A frame's first packet arrived. FFmpeg is read in a thread of this camera alone, as soon as there is
        something."""
        assert packet.dts is not None
        self._jitter.arrived(round(packet.dts * Fraction(packet.time_base) / _COMMON_BASE), arrived_us)

    def counts(self) -> dict[str, int]:
        """As counted; names are those of storage/catalogue/counters.py."""
        return {
            "received": self.received,
            "received_bytes": self.bytes,
            "received_us": self._came.us,
            **self._jitter.counts(),
        }

    def _give(self, packet: av.Packet[Any], waited_us: int) -> None:
        units = self._without_mark(units_of(self._codec, bytes(packet), self._lengths))
        if not units:
            return
        data = joined(units)
        is_keyframe = bool(packet.is_keyframe) or any(self._kind(unit) in self._random_access for unit in units)
        sets = prefixed_parameter_sets(self._codec, data) if is_keyframe else ()
        if not self._is_open and not (is_keyframe and self._opens(sets, data)):
            return
        assert packet.dts is not None and packet.pts is not None
        base = Fraction(packet.time_base)
        dts, pts, duration = packet.dts, packet.pts, packet.duration or 0
        if base.numerator != 1 or not _COARSEST <= base.denominator <= _FINEST:
            dts, pts, duration = (round(ticks * base / _COMMON_BASE) for ticks in (dts, pts, duration))
            base = _COMMON_BASE
        loss, self._loss = self._loss or ("network" if packet.is_corrupt else ""), ""
        frame = Frame([data], sets, base, max(pts, dts), dts, is_keyframe, loss, duration, waited_us)
        frame.read_us = self.handed_us
        self._sink.packet(frame)

    def _without_mark(self, units: list[bytes]) -> list[bytes]:
        """The units without what the relay put in front of a frame before which others are missing."""
        for number, unit in enumerate(units):
            if (loss := self._mark.read(self._codec, unit)) is not None:
                self._loss = loss
                return units[:number] + units[number + 1 :]
        return units

    def _opens(self, sets: tuple[bytes, ...], data: bytes) -> bool:
        """Learns what the first keyframe says; False as long as there are no parameter sets."""
        # In-band sets win; the description's fill in the kinds that are not there.
        kinds = {self._kind(unit) for unit in sets}
        all_sets = (*(unit for unit in self._described if self._kind(unit) not in kinds), *sets)
        if len({self._kind(unit) for unit in all_sets} & self._needed) < len(self._needed):
            self._bare_keyframes += 1
            if self._bare_keyframes >= _BARE_KEYFRAMES:
                raise Ended(Cause.REJECTED, {"error": "the camera sends no parameter sets"})
            return False
        try:
            template = video_template(self._codec, all_sets, annex_b(data))
        except (av.FFmpegError, LookupError, ValueError):
            raise Ended(Cause.CORRUPT, {"error": "the camera's parameters can't be read"}) from None
        self._sink.open(template)
        self._is_open = True
        return True

    def _kind(self, unit: bytes) -> int:
        return unit[0] & 0x1F if self._codec == "h264" else unit[0] >> 1 & 0x3F

    @property
    def _random_access(self) -> range:
        """NAL units of pictures that everything can be decoded from (ITU-T H.264 table 7-1, H.265 table 7-1)."""
        return range(5, 6) if self._codec == "h264" else range(16, 22)

    @property
    def _needed(self) -> frozenset[int]:
        return frozenset({7, 8} if self._codec == "h264" else {32, 33, 34})


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
