"""Frames and sound as a source gives them, made by a test; and FFmpeg's own muxer to hold ours against."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av

from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import AudioFormat, AudioPacket, AudioUnit, Frame
from tests.support.cameras.clips import ClipTrack, ClipUnit
from tests.support.cameras.frames import prefixed, split

BASE = Fraction(1, 90_000)
SETS = frozenset({7, 8})


def picture(units: Sequence[bytes], time: int, keyframe: bool, *, offset: int = 0, duration: int = 3600) -> Frame:
    """A frame of H.264 with these NAL units, decoded at ``time`` and shown ``offset`` later, in ticks of 90 kHz."""
    sets = tuple(unit for unit in units if unit[0] & 0x1F in SETS) if keyframe else ()
    return Frame([prefixed(*units)], sets, BASE, time + offset, time, keyframe, "", duration)


def encoded(packet: Any, time: int, duration: int = 3600) -> Frame:
    """The same of an encoder's packet."""
    return picture(split(bytes(packet), length_prefixed=False), time, bool(packet.is_keyframe), duration=duration)


def aac(track: ClipTrack) -> AudioFormat:
    """The format of a clip's sound."""
    return AudioFormat("aac", track.clock_rate, track.channels, track.parameter_sets[0], 1024)


def sound(form: AudioFormat, unit: ClipUnit, shift: int = 0) -> AudioPacket:
    """A packet of a clip's sound, ``shift`` ticks later."""
    (data,) = unit.payload
    return AudioPacket(form, data, unit.pts + shift, form.unit_samples or len(data))


class FFmpegMuxer:
    """FFmpeg's fragmented MP4: the init, and what it makes of the same frames and sound."""

    def __init__(self, video: Template, audio: AudioFormat | None = None) -> None:
        self._data = bytearray()
        self._container = av.open(
            self,
            "w",
            format="mp4",
            options={
                "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
                "frag_duration": "500000",
                "use_editlist": "0",
                "flush_packets": "1",
            },
        )
        self._video: Any = self._container.add_stream_from_template(video.stream, opaque=True)
        self._video.time_base = BASE
        if video.codec == "hevc":
            self._video.codec_context.codec_tag = "hvc1"
        self._audio: Any = None
        if audio is not None:
            self._other: Any = av.open("/dev/null", "w", format="mp4")
            described = self._other.add_stream("aac", rate=audio.rate, layout="mono")
            described.codec_context.extradata = audio.config
            self._audio = self._container.add_stream_from_template(described, opaque=True)
            self._rate = audio.rate
        self._container.start_encoding()
        self.init = self._take()

    def write(self, data: bytes) -> int:
        """What FFmpeg writes to."""
        self._data += data
        return len(data)

    def _take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data

    def video(self, frame: Frame) -> bytes:
        """Adds a frame; returns what came out."""
        made: Any = av.Packet(frame.annex_b())
        made.pts, made.dts, made.duration, made.time_base = frame.pts, frame.dts, frame.duration, frame.time_base
        made.is_keyframe, made.stream = frame.is_keyframe, self._video
        self._container.mux_one(made)
        return self._take()

    def audio(self, unit: AudioUnit) -> bytes:
        """Adds sound."""
        made: Any = av.Packet(unit.data)
        made.pts = made.dts = unit.time
        made.duration, made.time_base, made.is_keyframe = unit.samples, Fraction(1, self._rate), True
        made.stream = self._audio
        self._container.mux_one(made)
        return self._take()

    def close(self) -> bytes:
        """Ends the file."""
        self._container.close()
        return self._take()
