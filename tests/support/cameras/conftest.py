"""The cameras' fixtures, for the cameras' own tests."""

from tests.support.cameras.fixtures import gst, h264_aac_clip, h264_clip, h265_clip, serve

__all__ = ["gst", "h264_aac_clip", "h264_clip", "h265_clip", "serve"]
