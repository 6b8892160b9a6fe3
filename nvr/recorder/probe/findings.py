"""From what was measured to what a person should know: figures, and what is odd about a camera. Pure.

An oddity is a code and its figures; the words are the reader's. Invariant: nothing is called odd that the seconds of a
probe can't show.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from nvr.recorder.probe.measure import Measured, MeasuredFrame

__all__ = ["ODDITIES", "Oddity", "ProbeReport", "oddities", "report"]

_LONG_KEYFRAMES_S: Final = 10.0
_CLOCK_S: Final = 2.0
_RATE_SHARE: Final = 0.15
_MEDIA_SHARE: Final = 0.02
_MEDIA_S: Final = 0.5
_SETTLED_US: Final = 1_500_000

ODDITIES: Final[Mapping[str, str]] = {
    "no_frames": "it sends packets, but no frame could be put together of them",
    "no_keyframe": (
        "no keyframe came within {seconds:.0f} s: recording begins only with one; set a keyframe distance of 1 to 4 s"
    ),
    "long_keyframe_distance": (
        "keyframes are {seconds:.1f} s apart: after each loss so much can't be shown;"
        " set 1 to 4 s, and switch smart codecs off"
    ),
    "lost_packets": "{count} packets are missing by their numbers: the camera or the way to it is overloaded",
    "damaged_frames": "{count} frames came in part or could not be used",
    "duplicate_packets": "{count} packets came twice",
    "malformed_payloads": "{count} payloads hold nothing that H.264 or H.265 knows; they are left out",
    "unmarked_frames": "{count} frames ended without a marker; they are told apart by their time",
    "doubtful_frames": (
        "{count} frames look as if a part was missing although no packet is: something before this recorder may drop"
        " packets and number the others anew"
    ),
    "junk_bytes": "{count} bytes between the packets belong to nothing; they are stepped over",
    "media_rate": "its time stamps go {ratio:.3f} times as fast as time does: it is recorded by arrival",
    "media_jump": "its time stamps jump by {seconds:+.1f} s while its frames come evenly",
    "equal_times": "{count} frames have the time of the one before; they are spread",
    "frame_rate": "it declares {declared:g} frames a second and sends {measured:.1f}",
    "clock_off": "its clock is {seconds:+.1f} s off: set a time server",
    "audio_not_recordable": "its sound ({codec}) can't be recorded; AAC and G.711 can",
    "audio_silent": "it offers sound ({codec}), and none came",
    "parameters_change": "its parameters changed {count} times within the probe: each change begins another run",
    "read_by_ffmpeg": "the native source can't read it ({reason}); FFmpeg does",
}
"""Every oddity by its code, in English; figures in braces."""


class Oddity(msgspec.Struct, frozen=True):
    """``code`` is one of ``ODDITIES``; ``text`` its English."""

    code: str
    text: str
    figures: dict[str, Any] = {}


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. Rates are per second; ``keyframe_s``: the longest distance seen, None below two keyframes.
    ``error``: why nothing came, if nothing did."""

    url: str
    source: str
    transport: str
    seconds: float
    codec: str
    profile: str
    width: int
    height: int
    frames: int
    frame_rate: float | None
    declared_frame_rate: float | None
    bitrate_bps: int | None
    keyframe_s: float | None
    clock_offset_s: float | None
    audio: str | None
    audio_packets: int
    error: str | None
    cause: str | None
    oddities: list[Oddity]
    picture: str | None = None


def _odd(code: str, **figures: Any) -> Oddity:
    return Oddity(code, ODDITIES[code].format(**figures), figures)


def steady(frames: Sequence[MeasuredFrame]) -> Sequence[MeasuredFrame]:
    """Without what comes at once in the beginning: frames that the camera had ready, or that were read while its
    parameters were looked for."""
    later = [frame for frame in frames if frame.arrived_us - frames[0].arrived_us >= _SETTLED_US]
    return later if len(later) > 10 else frames


def frame_rate(frames: Sequence[MeasuredFrame]) -> float | None:
    """Frames a second by arrival; None of too few."""
    some = steady(frames)
    span_us = some[-1].arrived_us - some[0].arrived_us if len(some) > 1 else 0
    return (len(some) - 1) * 1e6 / span_us if span_us > 0 else None


def keyframe_distance_us(frames: Sequence[MeasuredFrame]) -> int | None:
    """The longest distance between two keyframes by arrival, microseconds."""
    at = [frame.arrived_us for frame in frames if frame.is_keyframe]
    return max((b - a for a, b in itertools.pairwise(at)), default=None)


def oddities(
    measured: Measured, counters: Mapping[str, int], seconds: float, audio: str | None, *, wants_audio: bool = False
) -> list[Oddity]:
    """What is odd. ``counters``: of the connection. ``audio``: the codec of the sound that the camera offers, whether
    or not it is recorded (``wants_audio``)."""
    found: list[Oddity] = []
    frames = measured.frames
    if not frames:
        found.append(_odd("no_frames") if counters.get("frames") == 0 else _odd("no_keyframe", seconds=seconds))
    distance_us = keyframe_distance_us(frames)
    if distance_us is not None and distance_us > _LONG_KEYFRAMES_S * 1e6:
        found.append(_odd("long_keyframe_distance", seconds=distance_us / 1e6))
    for name, code in (
        ("lost_packets", "lost_packets"),
        ("duplicate_packets", "duplicate_packets"),
        ("malformed", "malformed_payloads"),
        ("unmarked", "unmarked_frames"),
        ("doubtful", "doubtful_frames"),
        ("junk_bytes", "junk_bytes"),
    ):
        if counters.get(name):
            found.append(_odd(code, count=counters[name]))
    if damaged := counters.get("damaged", 0) + counters.get("undecodable", 0):
        found.append(_odd("damaged_frames", count=damaged))
    found += _of_time(frames)
    rate = frame_rate(frames)
    declared = measured.declared_fps
    if declared and rate is not None and abs(rate - declared) > _RATE_SHARE * declared:
        found.append(_odd("frame_rate", declared=declared, measured=rate))
    if measured.clock_offset_us is not None and abs(measured.clock_offset_us) > _CLOCK_S * 1e6:
        found.append(_odd("clock_off", seconds=measured.clock_offset_us / 1e6))
    if measured.changes:
        found.append(_odd("parameters_change", count=measured.changes))
    if audio and audio not in ("aac", "pcm_alaw", "pcm_mulaw"):
        found.append(_odd("audio_not_recordable", codec=audio))
    elif audio and wants_audio and not measured.audio_packets:
        found.append(_odd("audio_silent", codec=audio))
    return found


def _of_time(every: Sequence[MeasuredFrame]) -> list[Oddity]:
    frames = steady(every)
    if len(frames) < 20:
        return []
    found: list[Oddity] = []
    ordered = sorted(frames, key=lambda frame: frame.media_us)
    equal = sum(a.media_us == b.media_us for a, b in itertools.pairwise(ordered))
    if equal:
        found.append(_odd("equal_times", count=equal))
    steps = [((b.media_us - a.media_us) - (b.arrived_us - a.arrived_us)) / 1e6 for a, b in itertools.pairwise(frames)]
    jump = max(steps, key=abs)
    # Frames are read in batches, so only what stays is a jump: before and behind it the offset differs.
    at = steps.index(jump)
    before = [f.media_us - f.arrived_us for f in frames[: at + 1]]
    behind = [f.media_us - f.arrived_us for f in frames[at + 1 :]]
    moved = (max(behind) - max(before)) / 1e6
    if abs(moved) > 1.0 and abs(jump) > 1.0:
        found.append(_odd("media_jump", seconds=moved))
        return found
    arrived, media = frames[-1].arrived_us - frames[0].arrived_us, frames[-1].media_us - frames[0].media_us
    if arrived > 3e6 and abs(media - arrived) > max(_MEDIA_S * 1e6, _MEDIA_SHARE * arrived):
        found.append(_odd("media_rate", ratio=media / arrived))
    return found


def report(
    measured: Measured,
    counters: Mapping[str, int],
    *,
    url: str,
    source: str,
    transport: str,
    seconds: float,
    audio: str | None,
    wants_audio: bool,
    error: str | None,
    cause: str | None,
    more: Sequence[Oddity] = (),
) -> ProbeReport:
    """The report of a probe of so many seconds."""
    frames, some = measured.frames, steady(measured.frames)
    rate = frame_rate(frames)
    distance_us = keyframe_distance_us(frames)
    odd = [] if error and not frames else oddities(measured, counters, seconds, audio, wants_audio=wants_audio)
    return ProbeReport(
        url=url,
        source=source,
        transport=transport,
        seconds=round(seconds, 1),
        codec=measured.codec,
        profile=measured.profile,
        width=measured.width,
        height=measured.height,
        frames=len(frames),
        frame_rate=None if rate is None else round(rate, 2),
        declared_frame_rate=measured.declared_fps,
        bitrate_bps=None if rate is None else round(sum(f.bytes for f in some[1:]) * 8 * rate / (len(some) - 1)),
        keyframe_s=None if distance_us is None else round(distance_us / 1e6, 2),
        clock_offset_s=None if measured.clock_offset_us is None else round(measured.clock_offset_us / 1e6, 3),
        audio=audio,
        audio_packets=measured.audio_packets,
        error=error,
        cause=cause,
        oddities=[*more, *odd],
    )
