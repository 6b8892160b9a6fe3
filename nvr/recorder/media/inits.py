"""Inits (``ftyp`` + ``moov``), made by FFmpeg's muxer, and what they are made from.

That is all that the muxer does: it never sees a packet, so no time and no byte of a camera reaches what could fail in
it. Invariant: equal templates and formats give equal inits, byte for byte.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import av

from nvr.recorder.media.packets import AudioFormat
from storage.format.boxes import Track, parse_init

__all__ = ["Template", "describe_audio", "init_of"]

_MOVFLAGS: Final = "frag_keyframe+empty_moov+default_base_moof+frag_discont"
_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


@dataclass(frozen=True, slots=True)
class Template:
    """What a track is made from: a stream whose parameters count, and whatever must live as long as it."""

    stream: Any
    owner: Any = None

    @classmethod
    def of_keyframe(cls, codec: str, data: bytes) -> Template:
        """The template that a keyframe's own parameter sets describe.

        Raises:
            av.FFmpegError, LookupError, ValueError: no decoder understands them.
        """
        with av.open(io.BytesIO(data), format=codec) as read:
            # Kept in a container that is never written: it has the parameters, without a demuxer's buffers and what it
            # read ahead.
            container = av.open(io.BytesIO(), "w", format="mp4")
            return cls(container.add_stream_from_template(read.streams.video[0], opaque=True), container)

    @property
    def codec(self) -> str:
        """As FFmpeg calls it: ``h264`` or ``hevc``."""
        return str(self.stream.codec_context.name)

    @property
    def extradata(self) -> bytes:
        """Its parameter sets, after start codes."""
        return bytes(self.stream.codec_context.extradata or b"")


@lru_cache(maxsize=64)
def describe_audio(audio: AudioFormat) -> Template:
    """What a track of AAC is made from.

    Raises:
        av.FFmpegError, LookupError, ValueError: AAC in MP4 has no such rate or number of channels.
    """
    container: Any = av.open(io.BytesIO(), "w", format="mp4")
    stream = container.add_stream("aac", rate=audio.rate, layout=_LAYOUTS[audio.channels])
    stream.codec_context.extradata = audio.config
    return Template(stream, container)


@lru_cache(maxsize=256)
def init_of(video: Template, audio: AudioFormat | None, timescale: int) -> tuple[bytes, tuple[Track, ...]]:
    """The init and its tracks: shared by all cameras of one template and format. ``timescale`` is the video's, ticks a
    second; that of AAC is its rate.

    Raises:
        av.FFmpegError, LookupError, ValueError: MP4 has no place for these.
    """
    out = io.BytesIO()
    options = {"movflags": _MOVFLAGS, "use_editlist": "0", "video_track_timescale": str(timescale)}
    with av.open(out, "w", format="mp4", options=options) as container:
        stream: Any = container.add_stream_from_template(video.stream, opaque=True)
        if video.codec == "hevc":
            # Apple's players refuse hev1.
            stream.codec_context.codec_tag = "hvc1"
        if audio is not None:
            container.add_stream_from_template(describe_audio(audio).stream, opaque=True)
        container.start_encoding()
        init = out.getvalue()
    tracks = parse_init(init)
    if tracks[0].timescale != timescale:
        raise ValueError(f"a timescale of {timescale} ticks a second")
    return init, tracks
