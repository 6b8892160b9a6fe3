"""The video codecs that are read without FFmpeg: a file each, and a line in the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nvr.recorder.sources.rtp.codec import VideoCodec
from nvr.recorder.sources.rtp.h264 import H264
from nvr.recorder.sources.rtp.h265 import H265

__all__ = ["BY_ENCODING", "CODECS"]

CODECS: Final[Mapping[str, VideoCodec]] = {codec.name: codec for codec in (H264, H265)}
BY_ENCODING: Final[Mapping[str, VideoCodec]] = {name: codec for codec in CODECS.values() for name in codec.encodings}
"""By the name that a description has, in capitals."""
