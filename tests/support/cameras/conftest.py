"""The cameras' fixtures, for the cameras' own tests, and what ends a server that one of them left."""

from tests.support.cameras.fixtures import gst, h264_aac_clip, h264_clip, h265_clip, serve
from tests.support.server import no_server_stays

__all__ = ["gst", "h264_aac_clip", "h264_clip", "h265_clip", "no_server_stays", "serve"]
