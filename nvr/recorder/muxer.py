"""From packets to the init and the fragments of one run (PyAV's fragmented MP4 muxer).

One muxer serves a whole run: ``tfdt`` goes on from segment to segment, and rotation costs nothing but a file. Invariant: what a call
returns is whole fragments, and every packet given is in exactly one of them by the time of ``close``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av

from nvr.recorder.source import Packet, Picture
from storage.boxes import BoxError, Fragment, Track, children, parse_init, parse_moof

__all__ = ["FRAGMENT_US", "Covered", "MuxedFragment", "Muxer", "Template"]

FRAGMENT_US: Final = 500_000
"""A fragment ends with the first packet that makes it this long, and before a keyframe."""

_OPTIONS: Final = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    "frag_duration": str(FRAGMENT_US),
    "use_editlist": "0",
    # After each packet whatever is complete comes out, so that a call ends on a box's end.
    "flush_packets": "1",
}
# A declared but silent audio track would hold back the video (µs).
_MAX_INTERLEAVE_DELTA_US: Final = "1000000"
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
            # Kept in a container that is never written: it has the parameters, without a demuxer's buffers and what it read ahead.
            container = av.open(io.BytesIO(), "w", format="mp4")
            return cls(container.add_stream_from_template(read.streams.video[0], opaque=True), container)

    @classmethod
    def of_aac(cls, config: bytes, rate: int, channels: int) -> Template:
        """The template of AAC with this AudioSpecificConfig; ``rate`` is samples a second.

        Raises:
            av.FFmpegError, LookupError, ValueError: AAC in MP4 has no such rate or number of channels.
        """
        container: Any = av.open(io.BytesIO(), "w", format="mp4")
        stream = container.add_stream("aac", rate=rate, layout=_LAYOUTS[channels])
        stream.codec_context.extradata = config
        return cls(stream, container)


class Covered:
    """What a fragment has of the video: presentation time of its first sample and the greatest end of any, in ticks; how many samples, and whether the first
    is a keyframe."""

    __slots__ = ("end", "frames", "start", "sync")

    def __init__(self, start: int, end: int, frames: int, sync: bool) -> None:
        self.start = start
        self.end = end
        self.frames = frames
        self.sync = sync


class MuxedFragment:
    """``moof`` + ``mdat``, in ``size`` bytes, and what its ``moof`` says. ``video`` is None if it is all sound."""

    __slots__ = ("buffers", "fragment", "size", "video")

    def __init__(self, buffers: Sequence[bytes], size: int, fragment: Fragment, video: Covered | None) -> None:
        self.buffers = buffers
        self.size = size
        self.fragment = fragment
        self.video = video


class _Sink:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self.data)
        self.data.clear()
        return data


class Muxer:
    """The muxer of one run. ``timescale`` is that of the video track, in ticks a second."""

    def __init__(self, video: Template, audio: Template | None, time_base: Fraction) -> None:
        self._sink = _Sink()
        self._container = av.open(
            self._sink,
            "w",
            format="mp4",
            options=_OPTIONS,
            container_options={"max_interleave_delta": _MAX_INTERLEAVE_DELTA_US},
        )
        self._video = self._container.add_stream_from_template(video.stream, opaque=True)
        self._video.time_base = time_base
        if video.stream.codec_context.name == "hevc":
            # Apple's players refuse hev1.
            self._video.codec_context.codec_tag = "hvc1"
        self._audio = None
        if audio is not None:
            self._audio = self._container.add_stream_from_template(audio.stream, opaque=True)
        self._container.start_encoding()
        self.init = self._sink.take()
        self.tracks: tuple[Track, ...] = parse_init(self.init)
        self.video_track = next(track for track in self.tracks if track.kind == "video")

    def video(self, packet: Packet) -> list[MuxedFragment]:
        """Adds a video packet; returns the fragments that it completed."""
        made = packet.packet() if isinstance(packet, Picture) else packet
        made.stream = self._video
        self._container.mux_one(made)
        return self._fragments()

    def audio(self, packet: Packet) -> list[MuxedFragment]:
        """Adds an audio packet."""
        assert self._audio is not None and not isinstance(packet, Picture)
        packet.stream = self._audio
        self._container.mux_one(packet)
        return self._fragments()

    def close(self) -> list[MuxedFragment]:
        """Ends the run; returns what was still being filled."""
        self._container.close()
        return self._fragments()

    def _fragments(self) -> list[MuxedFragment]:
        if not self._sink.data:
            return []
        data = self._sink.take()
        boxes = list(children(data, 0, len(data)))
        found: list[MuxedFragment] = []
        for number, box in enumerate(boxes):
            if box.kind == b"moof":
                if number + 1 >= len(boxes) or boxes[number + 1].kind != b"mdat":
                    raise BoxError("a moof came without its mdat")
                whole = data[box.start : boxes[number + 1].end]
                fragment = parse_moof(data[box.start : box.end])
                found.append(MuxedFragment([whole], len(whole), fragment, self._covered(fragment)))
        return found

    def _covered(self, fragment: Fragment) -> Covered | None:
        video = next((part for part in fragment.tracks if part.track_id == self.video_track.track_id), None)
        if video is None or not video.count:
            return None
        samples = video.samples
        ends = video.decode_time + samples[:, 1].cumsum() + samples[:, 2]
        start = video.decode_time + int(samples[0, 2])
        return Covered(start, int(ends.max()), len(samples), bool(samples[0, 3]))
