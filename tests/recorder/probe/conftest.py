"""The cameras' fixtures."""

from tests.cameras.fixtures import h264_clip, serve

__all__ = ["h264_clip", "serve"]
