"""What a muxer's tracks are made from, for streams that no demuxer opened.

Looking at a keyframe costs FFmpeg milliseconds and decodes it; cameras of one model and setting have equal parameter sets, and so has a camera that comes
back: what was found is kept by them.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import av

from nvr.recorder.muxer import Template
from nvr.recorder.nal import START_CODE
from nvr.recorder.native.errors import UnsupportedError
from nvr.recorder.native.sdp import G711, Media

__all__ = ["audio_template", "video_template"]

_MOST_KEPT: Final = 256

_kept: OrderedDict[tuple[str, tuple[bytes, ...]], Template] = OrderedDict()


def video_template(codec: str, sets: Sequence[bytes], keyframe: bytes) -> Template:
    """The template of a stream with these parameter sets. ``keyframe``: Annex B, with or without them.

    Raises:
        av.FFmpegError, ValueError: no decoder understands them.
    """
    key = (codec, tuple(sets))
    found = _kept.get(key)
    if found is None:
        head = b"".join(START_CODE + unit for unit in sets)
        found = _kept[key] = Template.of_keyframe(codec, head + keyframe)
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return found


def audio_template(media: Media) -> Template:
    """The template of a track of AAC or G.711.

    Raises:
        UnsupportedError: a sample rate or number of channels that there is no template of.
    """
    config = b"" if media.encoding in G711 else media.aac().config
    try:
        return _audio_template(media.encoding, config, media.clock_rate, media.channels)
    except (av.FFmpegError, LookupError, ValueError):
        raise UnsupportedError(
            f"audio {media.encoding} with {media.clock_rate} samples a second and {media.channels} channels"
        ) from None


@lru_cache(maxsize=64)
def _audio_template(encoding: str, config: bytes, rate: int, channels: int) -> Template:
    if encoding not in G711:
        return Template.of_aac(config, rate, channels)
    container: Any = av.open(io.BytesIO(), "w", format="wav")
    layout = {1: "mono", 2: "stereo"}[channels]
    return Template(container.add_stream(G711[encoding], rate=rate, layout=layout), container)
