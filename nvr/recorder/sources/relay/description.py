"""Session descriptions for FFmpeg: the camera's, with the relay's addresses in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.errors import NativeError
from nvr.recorder.sources.rtsp.urls import control_url

__all__ = ["beyond_ffmpeg", "with_controls", "without_audio"]

_CONTROL: Final = re.compile(r"a=control:\s*(.*?)\s*", re.IGNORECASE)


def beyond_ffmpeg(description: bytes) -> str:
    """Why FFmpeg can't read the video that is described here although ``native`` can, for a person; else nothing."""
    try:
        video = sdp.pick_video(sdp.parse(description))
    except NativeError:
        return ""
    if video.codec == "h264" and video.interleaving is not None:
        what = "H.264 with packetization-mode 2 (interleaved)"
    elif video.codec == "hevc" and video.donl:
        what = "H.265 with decoding order numbers (sprop-max-don-diff)"
    else:
        return ""
    return f'FFmpeg does not read {what}; source = "auto" does, over TCP; best is to set the camera to send it plainly'


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
