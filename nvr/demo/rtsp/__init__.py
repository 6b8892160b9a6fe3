"""A small RTSP 1.0 server: live streams of access units that are already encoded, over TCP-interleaved RTP.

Invariant: a client gets every access unit published from the moment it plays, in order and unchanged, or it is
disconnected. Nothing is ever skipped for a client that reads slowly, and no client can delay another.
"""

from .auth import Auth
from .hooks import HangUp, Hooks
from .message import DemoRequest, Response
from .nal import VideoCodec, split_annexb
from .server import RtspServer
from .stream import AccessUnit, Codec, LiveStream, Stream

__all__ = [
    "AccessUnit",
    "Auth",
    "Codec",
    "DemoRequest",
    "HangUp",
    "Hooks",
    "LiveStream",
    "Response",
    "RtspServer",
    "Stream",
    "VideoCodec",
    "split_annexb",
]
