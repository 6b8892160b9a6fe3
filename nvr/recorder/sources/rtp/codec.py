"""What a video codec is to a source: how it is announced, and how its payloads are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nvr.recorder.sources.rtp.pictures import Depacketiser

__all__ = ["VideoCodec"]


@dataclass(frozen=True)
class VideoCodec:
    """``name``: as FFmpeg calls it. ``encodings``: its names in a description (``rtpmap``), in capitals; ``sets_in``:
    the parameters there (``fmtp``) that have parameter sets; ``least_sets``: of so many kinds it needs some to be
    decoded. ``refuses``: why a track with these parameters can't be read; empty: it can. ``depacketiser``: for one
    stream, from the sets that its description has and whether payloads carry decoding order numbers."""

    name: str
    encodings: tuple[str, ...]
    sets_in: tuple[str, ...]
    least_sets: int
    refuses: Callable[[Mapping[str, str]], str]
    depacketiser: Callable[[tuple[bytes, ...], bool], Depacketiser]
