"""What came on a connection, as figures: a sink like the recorder's that writes nothing. Times are microseconds of a
monotonic clock."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import av
import av.error

from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import AudioPacket, Frame

__all__ = ["Measured", "MeasuredFrame"]

_MOST_FRAMES: Final = 20_000
_MOST_PIXELS: Final = 1 << 26
_PICTURE_WIDTH: Final = 640
_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class MeasuredFrame:
    """A frame's arrival, its media time, both in microseconds, its bytes, whether it is a keyframe, and what was lost
    before it."""

    arrived_us: int
    media_us: int
    bytes: int
    is_keyframe: bool
    loss: str


@dataclass(slots=True)
class Measured:
    """Takes the packets of one connection."""

    frames: list[MeasuredFrame] = field(default_factory=list)
    codec: str = ""
    profile: str = ""
    width: int = 0
    height: int = 0
    declared_fps: float | None = None
    audio_codec: str = ""
    audio_packets: int = 0
    changes: int = 0
    clock_offset_us: int | None = None
    plays: bool = False
    _keyframe: bytes = b""
    _video: Template | None = None

    def connected(self) -> None:
        """The camera plays."""
        self.plays = True

    def open(self, video: Template) -> None:
        """What the camera sends is known."""
        context = video.stream.codec_context
        self.changes += self._video is not None
        self.codec, self.profile = video.codec, str(context.profile or "")
        self.width, self.height = context.width, context.height
        rate = context.framerate
        self.declared_fps = float(rate) if rate and 0 < rate < 1000 else None
        self._video = video

    def packet(self, packet: Frame) -> None:
        """A frame has just arrived."""
        if len(self.frames) < _MOST_FRAMES:
            media_us = int(packet.pts * Fraction(packet.time_base) * 1_000_000)
            self.frames.append(
                MeasuredFrame(time.monotonic_ns() // 1000, media_us, packet.size, packet.is_keyframe, packet.loss)
            )
        if packet.is_keyframe:
            self._keyframe = packet.annex_b()

    def audio(self, packet: AudioPacket) -> None:
        """Sound has just arrived."""
        self.audio_codec = packet.format.codec
        self.audio_packets += 1

    def no_audio(self, why: str) -> None:
        """Of no use here: the codec's name says it."""

    def arrived(self, ago_us: int) -> None:
        """Of no use here."""

    def camera_clock(self, at_us: int, camera_us: int, source: str) -> None:
        """The camera's own clock."""
        if self.clock_offset_us is None:
            self.clock_offset_us = camera_us - at_us

    def picture(self) -> bytes | None:
        """The last keyframe as JPEG, at most 640 pixels wide; None if there is none that can be decoded."""
        if not self._keyframe or self._video is None:
            return None
        try:
            decoder = av.CodecContext.create(self.codec, "r")
            decoder.extradata = self._video.extradata
            decoder.options = {"max_pixels": str(_MOST_PIXELS)}
            frames = [*decoder.decode(av.Packet(self._keyframe)), *decoder.decode(None)]  # type: ignore[attr-defined]
            if not frames:
                return None
            image = frames[0].to_image()
        except (av.error.FFmpegError, ValueError, LookupError):
            return None
        if image.width > _PICTURE_WIDTH:
            image = image.resize((_PICTURE_WIDTH, max(1, image.height * _PICTURE_WIDTH // image.width)))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=_QUALITY)
        return buffer.getvalue()
