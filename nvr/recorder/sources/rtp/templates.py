"""What a muxer's tracks are made from, for streams that no demuxer opened.

Looking at a keyframe costs FFmpeg milliseconds and decodes it; cameras of one model and setting have equal parameter
sets, and so has a camera that comes back: what was found is kept by them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from nvr.recorder.media.audio_config import aac_format
from nvr.recorder.media.inits import Template
from nvr.recorder.media.nal import START_CODE
from nvr.recorder.media.packets import AudioFormat
from nvr.recorder.sources.rtp.errors import UnsupportedError
from nvr.recorder.sources.rtp.sdp import G711, Media

__all__ = ["audio_format", "video_template"]

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


def audio_format(media: Media) -> AudioFormat:
    """What a track of AAC or G.711 is.

    Raises:
        UnsupportedError: AAC in a form that this source does not read.
    """
    if media.encoding in G711:
        return AudioFormat(G711[media.encoding], media.clock_rate, media.channels)
    found = aac_format(media.aac().config, media.clock_rate, media.channels)
    if found is None:
        raise UnsupportedError("the camera describes AAC that does not exist")
    return found
