"""What a muxer's tracks are made from, for streams that no demuxer opened.

Looking at a keyframe costs FFmpeg milliseconds and decodes it; cameras of one model and setting have equal parameter sets, and so has a camera that comes
back: what was found is kept by them.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import av

from nvr.recorder.muxer import Template
from nvr.recorder.native.errors import UnsupportedError
from nvr.recorder.native.pictures import START_CODE
from nvr.recorder.native.sdp import Media

__all__ = ["audio_template", "video_template"]

_MOST_KEPT: Final = 256
_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}

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
    """The template of an AAC track. A stream of a container that is never written: PyAV has no other way to say a codec's parameters.

    Raises:
        UnsupportedError: a sample rate or number of channels that AAC in MP4 does not have.
    """
    container: Any = av.open(io.BytesIO(), "w", format="mp4")
    layout = _LAYOUTS.get(media.channels)
    if layout is None:
        raise UnsupportedError(f"AAC with {media.channels} channels")
    try:
        stream = container.add_stream("aac", rate=media.clock_rate, layout=layout)
    except (av.FFmpegError, ValueError):
        raise UnsupportedError(f"AAC with {media.clock_rate} samples a second") from None
    stream.codec_context.extradata = media.aac().config
    return Template(stream, container)
