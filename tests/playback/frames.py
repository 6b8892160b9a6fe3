"""Pictures that carry their number, and the packets of such pictures, encoded once a session."""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np

__all__ = ["AUDIO_RATE", "CODECS", "TICKS", "Encoded", "encode", "id_of", "number_of", "sound", "with_ids"]

TICKS = 90_000
AUDIO_RATE = 16_000
_BITS = 16
_BLOCK = 16
WIDTH, HEIGHT = _BITS * _BLOCK, 64

# name: encoder and its options; a camera's own encoder has no look-ahead.
CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "bf": "0"}),
    "h264b": ("libx264", {"preset": "veryfast", "bf": "2", "b-adapt": "0", "b-pyramid": "none", "rc-lookahead": "0"}),
    "h264open": ("libx264", {"preset": "veryfast", "bf": "3", "b-adapt": "0", "x264-params": "open-gop=1"}),
    "noise": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "bf": "0", "crf": "1"}),
    "h265": ("libx265", {"preset": "ultrafast", "x265-params": "bframes=0:open-gop=0:log-level=none:pools=1"}),
    "h265b": (
        "libx265",
        {"preset": "ultrafast", "x265-params": "bframes=3:b-adapt=0:open-gop=1:log-level=none:pools=1"},
    ),
}


def picture(number: int) -> Any:
    """A picture with the number in black and white blocks."""
    luma = np.zeros((HEIGHT, WIDTH), np.uint8)
    for bit in range(_BITS):
        luma[:, bit * _BLOCK : (bit + 1) * _BLOCK] = 235 if number >> bit & 1 else 16
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, value in zip(frame.planes, (luma, None, None), strict=True):
        rows = np.full((plane.height, plane.line_size), 128, np.uint8)
        if value is not None:
            rows[:, :WIDTH] = value
        plane.update(rows.tobytes())
    return frame


def noise(random: np.random.Generator) -> Any:
    """A picture that can't be compressed, and carries no number."""
    return av.VideoFrame.from_ndarray(random.integers(0, 255, (HEIGHT * 8, WIDTH * 2, 3), np.uint8), "rgb24").reformat(
        WIDTH, HEIGHT, "yuv420p"
    )


def number_of(frame: Any) -> int:
    """The number that a decoded picture carries."""
    luma = frame.to_ndarray(format="gray")
    height, width = luma.shape
    block = width / _BITS
    middle = luma[height // 4 : 3 * height // 4]
    return sum(
        (int(middle[:, int((bit + 0.3) * block) : int((bit + 0.7) * block)].mean()) > 125) << bit
        for bit in range(_BITS)
    )


@dataclass(frozen=True)
class Encoded:
    """Packets of one track as (data, pts, dts, keyframe), times in ``time_base``; ``stream`` describes them and lives
    as long as ``owner``. ``pts[i]`` is when picture ``first + i`` is shown."""

    stream: Any = field(repr=False)
    owner: Any = field(repr=False)
    packets: tuple[tuple[bytes, int, int, bool], ...]
    pts: tuple[int, ...]
    time_base: Fraction


def encoded(frames: Iterable[Any], add: Callable[[Any], Any], origin: int | None) -> Encoded:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"video_track_timescale": str(TICKS)}) as container:
        stream = add(container)
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    owner: Any = av.open(file)
    stream = owner.streams[0]
    found = [p for p in owner.demux(stream) if p.size]
    # A run's own time begins with its first packet.
    zero = int(found[0].dts) if origin is None else origin
    packets = tuple((bytes(p), int(p.pts) - zero, int(p.dts) - zero, bool(p.is_keyframe)) for p in found)
    return Encoded(stream, owner, packets, tuple(sorted(p[1] for p in packets)), Fraction(stream.time_base))


@functools.cache
def encode(
    codec: str, count: int, *, first: int = 0, fps: int = 10, gop: int = 10, jitter: int = 0, crf: int = 30
) -> Encoded:
    """``count`` pictures numbered from ``first``; their times stray by up to ``jitter`` ticks, the same way
    every time."""
    name, options = CODECS[codec]
    options = {"crf": str(crf), "sc_threshold": "0", **options}
    if name == "libx265":
        options["x265-params"] += f":keyint={gop}:min-keyint=1:scenecut=0:crf={crf}"

    def add(container: Any) -> Any:
        stream = container.add_stream(name, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        return stream

    def pictures() -> Iterator[Any]:
        random = np.random.default_rng(count + first)
        for index in range(count):
            frame = noise(random) if codec == "noise" else picture(first + index)
            frame.pts = index * TICKS // fps + int(random.integers(-jitter, jitter + 1)) + jitter
            frame.time_base = Fraction(1, TICKS)
            yield frame

    return encoded(pictures(), add, None)


_ID = b"nvr test's frame"
# NAL headers of SEI messages before the picture.
_SEI = {"h264": b"\x06", "hevc": b"\x4e\x01"}


def with_ids(encoded: Encoded, first: int) -> Encoded:
    """The same packets, each with the number of its picture in an SEI message (user data unregistered), as no two of
    them may be alike."""
    order = {pts: first + index for index, pts in enumerate(encoded.pts)}
    header = _SEI[encoded.stream.codec_context.name]
    packets = []
    for data, pts, dts, keyframe in encoded.packets:
        unit = header + bytes([5, len(_ID) + 6]) + _ID + b"%06d" % order[pts] + b"\x80"
        packets.append((len(unit).to_bytes(4, "big") + unit + data, pts, dts, keyframe))
    return dataclasses.replace(encoded, packets=tuple(packets))


def id_of(packet: bytes) -> int:
    """The number of the picture of a packet that ``with_ids`` made."""
    at = packet.index(_ID) + len(_ID)
    return int(packet[at : at + 6])


@functools.cache
def sound(seconds: float) -> Encoded:
    """A tone, AAC."""

    def add(container: Any) -> Any:
        stream = container.add_stream("aac", rate=AUDIO_RATE)
        stream.layout = "mono"
        return stream

    def waves() -> Iterator[Any]:
        for at in range(0, int(seconds * AUDIO_RATE), 1024):
            wave = np.sin(2 * np.pi * 440 * (at + np.arange(1024)) / AUDIO_RATE).astype(np.float32)[None, :] * 0.3
            frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, at, Fraction(1, AUDIO_RATE)
            yield frame

    return encoded(waves(), add, None)


def interleaved(video: Encoded, audio: Encoded | None) -> Iterator[tuple[str, tuple[bytes, int, int, bool]]]:
    """The packets of both by decode time."""
    tagged: list[tuple[Fraction, str, tuple[bytes, int, int, bool]]] = [
        (p[2] * video.time_base, "video", p) for p in video.packets
    ]
    if audio is not None:
        end = tagged[-1][0]
        tagged += [(p[2] * audio.time_base, "audio", p) for p in audio.packets if p[2] * audio.time_base <= end]
    return ((kind, packet) for _, kind, packet in sorted(tagged, key=lambda item: (item[0], item[1] == "audio")))


def all_numbers(frames: Iterable[Any]) -> list[int]:
    """The numbers of decoded pictures."""
    return [number_of(frame) for frame in frames]
