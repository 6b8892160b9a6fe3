"""Encoded clips for test cameras: made with PyAV from a specification, kept on disk between test runs.

Every picture carries its number as a time code (`nvr.demo.timecode`), counted from 0 through the whole clip.
"""

import dataclasses
import functools
import hashlib
import os
import pickle
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np

from nvr.demo import timecode
from nvr.demo.rtsp.nal import is_keyframe, is_parameter_set, parameter_sets, split_annexb
from nvr.demo.rtsp.stream import Codec

from .frames import frame_hash, nals_hash

_VERSION = 3  # of the cached files: change it with anything below that changes their bytes
VIDEO_CLOCK_RATE = 90_000
_AAC_RATE = 16_000
_G711_RATE = 8_000
_G711_FRAME = 160  # samples: 20 ms


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What to encode. `change_to` is the size from the middle of the clip on, or from frame `change_at` on, at a
    keyframe with new parameter sets.

    With `in_band` every keyframe is preceded by parameter sets, otherwise only the session description has them (except
    those of a change, which can only be announced in-band). `encoder` is appended to the encoder's own parameters, such
    as ":slices=4". Pictures too small for the time code have none.
    """

    codec: Literal["h264", "h265"] = "h264"
    frames: int = 50
    frame_rate: int = 25
    group: int = 10
    width: int = 320
    height: int = 192
    audio: Literal["aac", "pcma", "pcmu"] | None = None
    in_band: bool = True
    b_frames: int = 0
    change_to: tuple[int, int] | None = None
    change_at: int | None = None
    bit_rate_bps: int = 300_000
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class ClipUnit:
    """One frame: `pts` in ticks, `due_s` when a camera would send it, both from the clip's beginning."""

    pts: int
    due_s: float
    payload: tuple[bytes, ...]
    keyframe: bool
    hash: str


@dataclass(frozen=True, slots=True)
class ClipTrack:
    """A stream of a clip, in the order of decoding."""

    codec: Codec
    clock_rate: int
    parameter_sets: tuple[bytes, ...]
    units: tuple[ClipUnit, ...]
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Clip:
    """The streams of a clip, video first, and its length."""

    tracks: tuple[ClipTrack, ...]
    duration_s: float

    @property
    def video(self) -> ClipTrack:
        return self.tracks[0]

    def with_jump(self, index: int, seconds: float) -> "Clip":
        """The same frames, sent at the same times, whose timestamps jump by `seconds` from video frame `index` on."""
        from_s = self.video.units[index].due_s
        tracks = tuple(
            dataclasses.replace(
                track,
                units=tuple(
                    dataclasses.replace(unit, pts=unit.pts + round(seconds * track.clock_rate))
                    if unit.due_s >= from_s
                    else unit
                    for unit in track.units
                ),
            )
            for track in self.tracks
        )
        return dataclasses.replace(self, tracks=tracks)

    def without_announcement(self) -> "Clip":
        """The same clip whose session description has no parameter sets."""
        return dataclasses.replace(self, tracks=tuple(dataclasses.replace(t, parameter_sets=()) for t in self.tracks))


def clip(spec: ClipSpec | None = None) -> Clip:
    """The clip of a specification, encoded at the first call for it on this machine."""
    return _clip(spec or ClipSpec())


@functools.lru_cache(maxsize=64)
def _clip(spec: ClipSpec) -> Clip:
    digest = hashlib.sha256(repr((_VERSION, __name__, av.__version__, spec)).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"nvr-test-clips-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    cached = folder / f"{digest}.pickle"
    if cached.exists():
        made: Clip = pickle.loads(cached.read_bytes())
        return made
    made = _encode(spec)
    # Written aside and moved, since tests of several processes share the folder.
    part = cached.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(made))
    part.replace(cached)
    return made


def _encode(spec: ClipSpec) -> Clip:
    half = spec.frames if spec.change_to is None else (spec.change_at or spec.frames // 2) // spec.group * spec.group
    pictures = _encode_video(spec, (spec.width, spec.height), 0, half)
    announced = parameter_sets(spec.codec, pictures[0][1])
    if not spec.in_band:
        pictures = [(pts, [n for n in nals if not is_parameter_set(spec.codec, n)]) for pts, nals in pictures]
    if spec.change_to is not None:
        pictures += _encode_video(spec, spec.change_to, half, spec.frames)
    units = tuple(
        ClipUnit(
            pts,
            number / spec.frame_rate,
            tuple(nals),
            is_keyframe(spec.codec, nals),
            nals_hash(spec.codec, nals),
        )
        for number, (pts, nals) in enumerate(pictures)
    )
    duration_s = spec.frames / spec.frame_rate
    video = ClipTrack(spec.codec, VIDEO_CLOCK_RATE, announced, units)
    return Clip((video,) if spec.audio is None else (video, _encode_audio(spec.audio, duration_s)), duration_s)


def _encode_video(spec: ClipSpec, size: tuple[int, int], begin: int, end: int) -> list[tuple[int, list[bytes]]]:
    """Access units (pts, NAL units) of the pictures numbered `begin` to `end`."""
    context = av.VideoCodecContext.create("libx264" if spec.codec == "h264" else "libx265", "w")
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(spec.frame_rate)
    context.time_base = Fraction(1, spec.frame_rate)
    context.bit_rate = spec.bit_rate_bps
    context.thread_count = 1
    fixed = f"keyint={spec.group}:min-keyint={spec.group}:scenecut=0:bframes={spec.b_frames}"
    if spec.codec == "h264":
        context.options = {
            "preset": "ultrafast",
            "x264-params": fixed + ":sliced-threads=0:rc-lookahead=0" + spec.encoder,
        }
    else:
        quiet = ":log-level=none:pools=none:frame-threads=1:rc-lookahead=5:open-gop=0"
        context.options = {"preset": "ultrafast", "x265-params": fixed + quiet + spec.encoder}
    random = np.random.default_rng(1)
    texture = random.integers(0, 60, (size[1], size[0]), np.uint8)
    made: list[tuple[int, list[bytes]]] = []
    for number in range(begin, end):
        picture = np.roll(texture, number * 3, axis=1) + np.uint8(60)
        picture[20:60, 10 + number * 5 % max(20, size[0] - 60) :][:, :40] = 220
        if size[0] >= timecode.WIDTH_PX:
            timecode.burn(picture, number)
        else:
            # No two frames are alike, coded as differences either.
            picture += random.integers(0, 24, picture.shape, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")
        frame.pts = number
        made += [(packet.pts or 0, split_annexb(bytes(packet))) for packet in context.encode(frame)]
    made += [(packet.pts or 0, split_annexb(bytes(packet))) for packet in context.encode(None)]
    ticks = VIDEO_CLOCK_RATE // spec.frame_rate
    return [(pts * ticks, nals) for pts, nals in made]


def _encode_audio(codec: Literal["aac", "pcma", "pcmu"], duration_s: float) -> ClipTrack:
    """A tone."""
    rate = _AAC_RATE if codec == "aac" else _G711_RATE
    name = {"aac": "aac", "pcma": "pcm_alaw", "pcmu": "pcm_mulaw"}[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = rate
    context.layout = "mono"
    context.format = "fltp" if codec == "aac" else "s16"
    context.open()
    size = context.frame_size or _G711_FRAME
    units: list[ClipUnit] = []
    for number in range(int(duration_s * rate) // size):
        phase = np.arange(number * size, (number + 1) * size) * (2 * np.pi * 440 / rate)
        wave = np.sin(phase)[np.newaxis, :] * 0.4
        samples = wave.astype(np.float32) if codec == "aac" else (wave * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, context.format.name, "mono")
        frame.sample_rate = rate
        frame.pts = number * size
        for packet in context.encode(frame):
            data = bytes(packet)
            at = len(units) * size
            units.append(ClipUnit(at, at / rate, (data,), True, frame_hash(codec, data)))
    config = bytes(context.extradata or b"")
    return ClipTrack(codec, rate, (config,) if config else (), tuple(units))
