"""Session descriptions for FFmpeg: the camera's, with the relay's addresses in them. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Final

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.codecs import CODECS
from nvr.recorder.sources.rtp.errors import NativeError
from nvr.recorder.sources.rtp.units import kind_of
from nvr.recorder.sources.rtsp.urls import control_url

__all__ = ["can_judge", "chosen_video", "plainly", "with_controls", "without_audio"]

_BLOCK: Final = re.compile(rb"(?im)^(?=m=)")
_LINE_END: Final = re.compile(rb"[\r\n\x00]+")
_FORMAT: Final = re.compile(rb"\s*a=(rtpmap|fmtp)\b", re.IGNORECASE)
_H265_SETS: Final = (("vps", 32), ("sps", 33), ("pps", 34))
_CONTROL: Final = re.compile(r"a=control:\s*(.*?)\s*", re.IGNORECASE)


def plainly(description: bytes) -> bytes:
    """The same with one video track alone, if one can be read here, described as the relay sends it: its units in their
    order, and parameter sets as they should be."""
    chosen = chosen_video(description)
    if chosen is None:
        return description
    made: list[bytes] = []
    is_there = False
    for block in _BLOCK.split(description):
        video = _video(block)
        if video == chosen and not is_there:
            is_there = True
            kept = [line for line in _LINE_END.split(block) if line and not _FORMAT.match(line)]
            name = "H264" if video.codec == "h264" else "H265"
            kept.append(f"a=rtpmap:{video.payload_type} {name}/{video.clock_rate}".encode())
            if parameters := _parameters(video.codec, video.parameter_sets):
                kept.append(f"a=fmtp:{video.payload_type} {parameters}".encode())
            made.append(b"\r\n".join([*kept, b""]))
        elif video is None:
            made.append(block)
    return b"".join(made)


def chosen_video(description: bytes) -> sdp.Media | None:
    """The first video track whose frames can be put together here."""
    videos = map(_video, _BLOCK.split(description))
    return next((video for video in videos if video is not None and can_judge(video)), None)


def _video(block: bytes) -> sdp.Media | None:
    """The video track of a block, if it is one."""
    try:
        media = sdp.parse(block).media[0]
    except NativeError:
        return None
    return media if media.kind == "video" else None


def can_judge(media: sdp.Media) -> bool:
    """Whether the frames of a track can be put together here."""
    is_read = media.kind == "video" and media.codec != "" and media.clock_rate > 0
    return is_read and media.direction != "inactive" and not CODECS[media.codec].refuses(media.parameters)


def _parameters(codec: str, sets: tuple[bytes, ...]) -> str:
    if codec == "h264":
        first = "packetization-mode=1"
        return first + (";sprop-parameter-sets=" + ",".join(map(_base64, sets)) if sets else "")
    return ";".join(
        f"sprop-{name}=" + ",".join(_base64(unit) for unit in sets if kind_of(codec, unit) == kind)
        for name, kind in _H265_SETS
        if any(kind_of(codec, unit) == kind for unit in sets)
    )


def _base64(unit: bytes) -> str:
    return base64.b64encode(unit).decode()


def with_controls(description: bytes, base: str, place: Callable[[str], str]) -> bytes:
    """A session description in which every control is an address of the relay. ``place`` gives the relay's address for
    a camera's URL.

    Raises:
        ProtocolError: a control can't be part of a request.
    """
    lines = description.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    made: list[str] = []
    whole: str | None = None
    for line in lines:
        in_media = whole is not None
        if line.startswith("m=") and whole is None:
            whole = _of_session(made, base)
            made = [kept for kept in made if not _CONTROL.fullmatch(kept)]
            made.append(f"a=control:{place(whole)}")
        elif in_media and (match := _CONTROL.fullmatch(line)):
            made.append(f"a=control:{place(control_url(base, match[1]))}")
            continue
        if line:
            made.append(line)
    return "\r\n".join([*made, ""]).encode()


def _of_session(lines: list[str], base: str) -> str:
    for line in lines:
        if match := _CONTROL.fullmatch(line):
            return control_url(base, match[1])
    return base


def without_audio(description: bytes) -> bytes:
    """The same as if the camera had none."""
    kept: list[bytes] = []
    is_audio = False
    for line in description.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if line.startswith(b"m="):
            is_audio = line.lower().startswith(b"m=audio")
        if line and not is_audio:
            kept.append(line)
    return b"\r\n".join([*kept, b""])
